/**
 * This hub beside the released JupyterHub, in one run and by turns, so that both meet the same machine.
 *
 *     node bench/hub/run.ts [--users 50,1000,10000] [--rounds 3] [--seconds 1] [--connections 1,8] [--only PART]
 *       [--servers 300] [--json]
 *
 * The measure is the processor time of the hub process (user and system, from /proc) per request, sent straight to the
 * hub's port by this process: it hardly depends on what else the machine does. A round of one operation lasts about
 * `--seconds` for each hub; the first two are warm-ups and not counted. Both hubs run as people get them (ours is built
 * first), with SQLite and the same users in their databases; `--only` picks operations by a part of their names.
 * Starts and stops of servers are measured with the largest number of users; `--servers 0` leaves them out.
 */
import { parseArgs } from 'node:util'
import { cpuSecondsOf } from '../process-cost.ts'
import { buildPackage } from './built-package.ts'
import { makeUsers } from './fill-database.ts'
import { sendRequests } from './load.ts'
import { type MeasuredHub, PROGRAMS, type Program, startHub } from './measured-hub.ts'
import { OPERATIONS, type Operation, type Site } from './operations.ts'
import { type HubFigures, printFigures, type Sample } from './report.ts'
import { measureServers } from './servers.ts'

/** The first finds out how many requests fit into a round, the second lets compilers settle. */
const WARM_UPS = 2

const { values: flags } = parseArgs({
  options: {
    users: { type: 'string', default: '50,1000,10000' },
    rounds: { type: 'string', default: '3' },
    seconds: { type: 'string', default: '1' },
    connections: { type: 'string', default: '1,8' },
    only: { type: 'string', default: '' },
    servers: { type: 'string', default: '300' },
    json: { type: 'boolean', default: false },
  },
})
const rounds = Number(flags.rounds)
const roundSeconds = Number(flags.seconds)
const connections = flags.connections.split(',').map(Number)
const operations = OPERATIONS.filter(({ name }) => name.includes(flags.only) || /^(POST|DELETE) \S+\/NAME$/.test(name))

const built = buildPackage()
const figures: HubFigures[] = []
try {
  const counts = flags.users.split(',').map(Number)
  for (const users of counts) figures.push(await measureWith(users))
  const servers = await serversWith({ users: Math.max(...counts), servers: Number(flags.servers) })
  const largest = figures.findIndex(({ users }) => users === Math.max(...counts))
  if (servers) figures[largest] = { ...figures[largest]!, servers }
} finally {
  built.remove()
}
const settings = { rounds, roundSeconds, connections, node: process.version }
if (flags.json) process.stdout.write(`${JSON.stringify({ bench: 'hub', ...settings, figures })}\n`)
else printFigures(figures, settings)

async function measureWith(count: number): Promise<HubFigures> {
  const users = makeUsers(count)
  const hubs: MeasuredHub[] = []
  try {
    // One after the other: each start is measured.
    for (const program of PROGRAMS) hubs.push(await startHub(program, users, { bin: built.bin }))
    const sites = new Map<Program, Site>(
      hubs.map(({ program, url, database, adminToken }) => [
        program,
        { url, database, adminToken, users, created: [] },
      ]),
    )
    const idle = memoryOf(hubs)
    const samples: Sample[] = []
    for (const perHub of connections) {
      const sizes = new Map<string, number>()
      for (let round = 1 - WARM_UPS; round <= rounds; round++) {
        for (const operation of operations) {
          for (const hub of hubs) {
            const site = sites.get(hub.program)!
            const sample = await measure(hub, site, operation, perHub, sizes)
            if (round > 0) samples.push(sample)
          }
        }
        progress(`${count} users, ${perHub} connections: ${round > 0 ? `round ${round}` : 'warm-up'} done`)
      }
    }
    const start = Object.fromEntries(hubs.map(hub => [hub.program, hub.start])) as Record<Program, MeasuredHub['start']>
    return {
      users: count,
      operations: operations.map(({ name, target }) => ({ name, target })),
      samples,
      start,
      idle,
      used: memoryOf(hubs),
    }
  } finally {
    for (const hub of hubs) await hub.stop()
  }
}

async function serversWith(counts: { users: number; servers: number }): Promise<HubFigures['servers']> {
  if (counts.servers === 0) return undefined
  const [orrery, jupyterhub] = [
    await measureServers('orrery', counts, built.bin),
    await measureServers('jupyterhub', counts, built.bin),
  ]
  progress(`${counts.servers} servers: done`)
  return { orrery, jupyterhub }
}

/** `sizes`: how many requests fit into a round, known after the first. */
async function measure(
  { program, pid, url }: MeasuredHub,
  site: Site,
  operation: Operation,
  perHub: number,
  sizes: Map<string, number>,
): Promise<Sample> {
  const key = `${program} ${operation.name}`
  const most = operation.name.startsWith('DELETE') ? site.created.length : (operation.maxRequests ?? 20_000)
  const requests = Math.min(sizes.get(key) ?? 100, most)
  const make = await operation.prepare(site)
  const [cpu, began] = [cpuSecondsOf(pid), performance.now()]
  await sendRequests(url, requests, perHub, make)
  const elapsedSeconds = (performance.now() - began) / 1000
  const cpuSeconds = cpuSecondsOf(pid) - cpu
  sizes.set(key, Math.max(50, Math.round((requests / elapsedSeconds) * roundSeconds)))
  return { program, operation: operation.name, connections: perHub, requests, cpuSeconds, elapsedSeconds }
}

function memoryOf(hubs: readonly MeasuredHub[]): HubFigures['idle'] {
  return Object.fromEntries(hubs.map(hub => [hub.program, hub.memory()])) as HubFigures['idle'] // of all programs
}

function progress(text: string): void {
  if (process.stderr.isTTY) process.stderr.write(`${text}\n`)
}
