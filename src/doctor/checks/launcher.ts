import { lstatSync, type Stats } from 'node:fs'
import { HubError } from '../../core/errors.ts'
import { launcherClient } from '../../launcher/client.ts'
import { type LimitsThatHold, PROTOCOL_VERSION } from '../../launcher/protocol.ts'
import { AS_ROOT, defineCheck, failure, type Outcome, ok, type Site, skipped, warning } from '../check.ts'
import { mountsOf, partsOf, readProc } from '../processes.ts'

type Item = 'socket' | 'answers' | 'users' | 'limits' | 'command' | 'confined'

export const launcherCheck = defineCheck({
  id: 'launcher',
  title: 'Launcher',
  items: {
    socket: "The launcher's socket is there, and the hub's user alone can connect to it.",
    answers: 'It answers, in the version of the protocol that this Orrery speaks. Takes an Orrery that runs.',
    users: 'It runs as root, so that each server is a Linux user of its own.',
    limits: 'Limits of memory, processor and processes hold for all that a server starts, by control groups.',
    command: 'It may run the program that the config names; after a change it has to be restarted.',
    confined: 'Its unit does not lock up the servers that it starts (`ProtectHome`, `PrivateTmp`, `NoNewPrivileges`).',
  },
  async run(site) {
    const { spawner } = site.config
    if (!('kind' in spawner) || spawner.kind === 'sudo') return [] // it starts no servers
    const path = site.paths.launcherSocket
    const found = lstatSync(path, { throwIfNoEntry: false })
    if (!found) {
      if (site.supervisor === undefined)
        return [skipped('socket', 'Orrery does not run, and so does no launcher.', 'Start Orrery and look again.')]
      return [
        failure(
          'socket',
          `There is no socket ${path}: the launcher does not run.`,
          'The log of the launcher tells why; it is started again by itself.',
        ),
      ]
    }
    return [socket(path, found, site), ...(await answers(path, site)), ...confined(site)]
  },
})

function socket(path: string, found: Stats, { hubOwner }: Site): Outcome<'socket'> {
  if (!found.isSocket()) return failure('socket', `${path} is not a socket.`, 'Move it away and restart Orrery.')
  if ((found.mode & 0o077) !== 0) {
    return failure(
      'socket',
      `${path} is open to other users (mode ${(found.mode & 0o777).toString(8)}).`,
      `chmod 600 ${path}, and find out what has changed it.`,
    )
  }
  if (hubOwner && found.uid !== hubOwner.uid) {
    return failure(
      'socket',
      `${path} belongs to uid ${found.uid}, and the hub runs as uid ${hubOwner.uid}.`,
      'Restart Orrery.',
    )
  }
  return ok('socket', `${path} is the hub's alone.`)
}

async function answers(path: string, site: Site): Promise<Outcome<Item>[]> {
  const client = launcherClient({ socketPath: path, dialForMs: 0, timeoutMs: 5_000 })
  try {
    const hello = await client.call('hello', {})
    if (hello.version !== PROTOCOL_VERSION) return [otherVersion()]
    return [
      ok('answers', `The launcher answers (process ${hello.pid}).`, { pid: hello.pid }),
      hello.separateUsers
        ? ok('users', 'Each server runs as a Linux user of its own.')
        : warning(
            'users',
            'All servers run as one Linux user, so everybody who signs in can read the files of all.',
            'Start Orrery as root, for anything but trials.',
          ),
      limits(hello.limits, site),
      ...command(hello.commands, site),
    ]
  } catch (error) {
    if (!(error instanceof HubError)) throw error
    if (error.code === 'request_refused') return [otherVersion()]
    if (causeOf(error) === 'EACCES') return [skipped('answers', 'Only the hub and root may ask the launcher.', AS_ROOT)]
    if (site.supervisor === undefined)
      return [skipped('answers', 'Orrery does not run, and so does no launcher.', 'Start Orrery and look again.')]
    return [
      failure(
        'answers',
        error.message,
        'The end of log/launcher.log tells why; systemctl restart orrery is harmless.',
        { code: error.code },
      ),
    ]
  } finally {
    client.close()
  }
}

function limits(hold: LimitsThatHold, { config: { servers } }: Site): Outcome<'limits'> {
  const missing = [
    ...(hold.memory === 'group' ? [] : ['memory']),
    ...(hold.cpus === 'group' ? [] : ['processor']),
    ...(hold.tasks === 'group' ? [] : ['processes']),
  ]
  if (missing.length === 0) return ok('limits', 'Each server has a control group, which holds its limits.', { ...hold })
  const isAsked = [servers.memLimit, servers.cpuLimit, servers.taskLimit].some(limit => limit !== undefined)
  const message = `The launcher has no control groups for ${missing.join(', ')}`
  if (!isAsked) return ok('limits', `${message}; the config sets no limits.`, { ...hold })
  return warning(
    'limits',
    `${message}, so these limits do not hold for all of a server.`,
    'Start Orrery as root, or with a group of its own: docs/how-to/limit-servers.md.',
    { ...hold },
  )
}

/** The supervisor gives it the command as it was at the start. */
function command(commands: readonly string[], { config }: Site): Outcome<'command'>[] {
  const [program] = config.servers.cmd ?? []
  if (program === undefined || !program.startsWith('/')) return []
  if (commands.some(each => each.split(' ')[0] === program)) return [ok('command', `It may run ${program}.`)]
  return [
    failure(
      'command',
      `It was started before ${program} was set, and does not run it.`,
      'Restart Orrery: systemctl restart orrery.',
    ),
  ]
}

function confined({ supervisor }: Site): Outcome<'confined'>[] {
  const pid = supervisor === undefined ? undefined : partsOf(supervisor).get('launcher')
  if (pid === undefined || process.getuid?.() !== 0) return []
  const outcomes: Outcome<'confined'>[] = []
  const [own, ours] = [mountsOf(pid), mountsOf(1)]
  // In a container the first process shares them, too.
  if (own !== undefined && ours !== undefined && own !== ours) {
    outcomes.push(
      warning(
        'confined',
        'The launcher sees other file systems than the machine, and so does every server.',
        'Take ProtectHome, ProtectSystem, PrivateTmp and the like out of the unit, unless it is meant.',
      ),
    )
  }
  if (/^NoNewPrivs:\s*1/m.test(readProc(pid, 'status') ?? '')) {
    outcomes.push(
      warning(
        'confined',
        'No program that servers run can gain rights: sudo, su and ping fail in terminals.',
        'Take NoNewPrivileges out of the unit, unless it is meant.',
      ),
    )
  }
  return outcomes.length > 0 ? outcomes : [ok('confined', 'Its unit does not lock up servers.')]
}

function otherVersion(): Outcome<'answers'> {
  return failure(
    'answers',
    'The launcher that runs is of another version of Orrery: it was not restarted after an update.',
    'Restart Orrery: systemctl restart orrery; servers go on.',
  )
}

function causeOf({ cause }: HubError): string | undefined {
  return (cause as NodeJS.ErrnoException | undefined)?.code
}
