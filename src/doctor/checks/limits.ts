import { existsSync, readFileSync } from 'node:fs'
import { availableParallelism } from 'node:os'
import { bytesWords } from '../../core/for-browsers/usage-words.ts'
import { cgroupOf, readCgroup } from '../cgroup-files.ts'
import { defineCheck, failure, type Outcome, ok, type Site, skipped, warning } from '../check.ts'
import { openFilesLimit, type PARTS, partsOf } from '../processes.ts'

const MIB = 1024 ** 2
/** Each connection of a browser is two open files of the proxy, and a notebook keeps several. */
const FILES_WARNING = 8_192
const FILES_FAILURE = 1_024
/** A server with a kernel or two is some thirty threads. */
const TASKS_OF_A_SERVER = 40
const TASKS_WARNING_SHARE = 0.8
/** What a JupyterLab server with one idle kernel takes. */
const SERVER_BYTES = 150 * MIB
const LEAST_BYTES = 256 * MIB

export const limitsCheck = defineCheck({
  id: 'limits',
  title: 'Limits of the machine',
  items: {
    'open-files': 'How many files and connections hub and proxy may have open.',
    processes: 'How many processes and threads the unit of Orrery, with the servers in it, may have.',
    memory: 'Memory that is left, and how many servers that is.',
    cores: 'Processors.',
  },
  async run(site) {
    const parts = site.supervisor === undefined ? new Map<(typeof PARTS)[number], number>() : partsOf(site.supervisor)
    return [
      ...openFiles(site, parts),
      ...processes(parts.get('launcher')),
      memory(site),
      ok('cores', `${availableParallelism()} processors.`),
    ]
  },
})

function openFiles(site: Site, parts: ReadonlyMap<string, number>): Outcome<'open-files'>[] {
  const known = [...parts]
    .map(([name, pid]) => ({ name, limit: openFilesLimit(pid) }))
    .filter(({ name }) => name !== 'launcher')
  const limits = known.filter((each): each is { name: string; limit: number } => each.limit !== undefined)
  if (limits.length === 0) {
    if (!site.inHub)
      return [
        skipped(
          'open-files',
          'No running hub or proxy whose limits can be read.',
          'Start Orrery and look again, as root.',
        ),
      ]
    limits.push({ name: 'hub', limit: openFilesLimit('self') ?? Number.POSITIVE_INFINITY })
  }
  const least = limits.reduce((a, b) => (b.limit < a.limit ? b : a))
  const message = `The ${least.name} may have ${least.limit === Number.POSITIVE_INFINITY ? 'any number of' : least.limit} files open`
  const next = 'Set LimitNOFILE=65536 in the unit, or raise the hard limit with ulimit -Hn, and restart Orrery.'
  const details = { part: least.name, limit: Number.isFinite(least.limit) ? least.limit : null }
  if (least.limit < FILES_FAILURE)
    return [failure('open-files', `${message}: too few for a handful of people.`, next, details)]
  if (least.limit < FILES_WARNING)
    return [
      warning(
        'open-files',
        `${message}, enough for some ${Math.floor(least.limit / 20)} people at once.`,
        next,
        details,
      ),
    ]
  return [ok('open-files', `${message}.`, details)]
}

function processes(launcher: number | undefined): Outcome<'processes'>[] {
  const folder = launcher === undefined ? undefined : cgroupOf(launcher, 'pids')
  const max = folder && readCgroup(folder, 'pids.max')
  if (max === undefined) return []
  const current = Number(readCgroup(folder!, 'pids.current') ?? 0)
  if (max === 'max') return [ok('processes', 'Servers may have any number of processes.', { current })]
  const limit = Number(max)
  const details = { limit, current }
  const next = 'Set TasksMax=infinity in the unit, then systemctl daemon-reload and restart Orrery.'
  if (current > limit * TASKS_WARNING_SHARE) {
    return [
      failure(
        'processes',
        `${current} of ${limit} processes and threads are taken: soon no server starts.`,
        next,
        details,
      ),
    ]
  }
  const fit = Math.floor(limit / TASKS_OF_A_SERVER)
  if (limit < 16_384)
    return [
      warning(
        'processes',
        `All servers together may have ${limit} processes and threads, enough for some ${fit}.`,
        next,
        details,
      ),
    ]
  return [ok('processes', `Servers may have ${limit} processes and threads.`, details)]
}

function memory({ config, inHub }: Site): Outcome<'memory'> {
  const facts = memoryFacts()
  if (!facts) return skipped('memory', 'This system does not tell how much memory is left.')
  const { available, total } = facts
  const ofServer = config.servers.memGuarantee ?? SERVER_BYTES
  const details = { available_bytes: available, total_bytes: total, servers: Math.floor(available / ofServer) }
  const message = `${bytesWords(available)} of ${bytesWords(total)} memory are left, enough for some ${details.servers} more idle servers.`
  const next =
    'Stop idle servers (culler), set servers.memLimit and servers.activeServerLimit, or give the machine more.'
  if (available < LEAST_BYTES)
    return failure('memory', `Only ${bytesWords(available)} of ${bytesWords(total)} memory are left.`, next, details)
  const { memLimit, activeServerLimit } = config.servers
  if (memLimit !== undefined && memLimit > total) {
    return warning(
      'memory',
      `servers.memLimit (${bytesWords(memLimit)}) is more than the machine has (${bytesWords(total)}).`,
      'Lower it, so that one server cannot take the machine down.',
      details,
    )
  }
  if (memLimit === undefined && activeServerLimit === 0 && !inHub) {
    return ok('memory', `${message} No limit keeps one server from taking all of it (servers.memLimit).`, details)
  }
  return ok('memory', message, details)
}

function memoryFacts(): { available: number; total: number } | undefined {
  if (!existsSync('/proc/meminfo')) return undefined
  const text = readFileSync('/proc/meminfo', 'utf8')
  const kib = (name: string) => Number(new RegExp(`^${name}:\\s+(\\d+)`, 'm').exec(text)?.[1]) * 1024
  return { available: kib('MemAvailable'), total: kib('MemTotal') }
}
