import { dirname } from 'node:path'
import type { RunAs } from '../accounts/run-as.ts'
import { entriesOf, type Group } from '../groups/group.ts'
import { limitsNotSet } from '../groups/server-groups.ts'
import { findProcess } from '../processes/process-info.ts'
import type { ServerExit } from '../protocol.ts'
import { Refusal } from '../refusal.ts'
import type { StartedUnit } from '../units/unit-runner.ts'
import type { ChildFault, ChildOrder, ChildReport } from './forker.ts'
import type { KeptForker } from './forkers.ts'

/** A process that has become the user and turned into the server's program. */
export interface StartedServer {
  readonly pid: number
  readonly startTime: string
  readonly group?: Group | undefined
  /** Resolves when it ends; never rejects. */
  readonly ended: Promise<ServerExit>
  /** The unit that it is the main process of. */
  readonly unit?: StartedUnit | undefined
  /** Why a program that could have been preloaded begins from nothing. */
  readonly fresh?: string | undefined
}

const BECOME_TIMEOUT_MS = 30_000

export interface ServerOrder {
  readonly runAs: RunAs
  readonly argv: readonly string[]
  readonly environment: Readonly<Record<string, string>>
  readonly directory: string
  /** Default true, see `ChildOrder`. */
  readonly needsHome?: boolean
  readonly group?: Group | undefined
  readonly limits?: ChildOrder['limits']
  readonly umask: number
  /** File for its output, which is there already. */
  readonly log: string
}

/**
 * `onRecord` writes the process down before its program begins; when it fails, or this launcher dies before it is done,
 * the process ends without having become a server. Throws Refusal.
 */
export async function startServer(
  order: ServerOrder,
  forker: Pick<KeptForker, 'fork'>,
  onRecord: (started: StartedServer) => Promise<void>,
): Promise<StartedServer> {
  const child = await forker.fork(childOrder(order)).catch(error => {
    if (error instanceof Refusal) throw error
    throw new Refusal('launcher_failed', 'The launcher could not start a process.', undefined, error)
  })
  const { pid, unit, ended } = child
  const startTime = findProcess(pid)?.startTime
  const timer = setTimeout(() => killChild(pid, startTime), BECOME_TIMEOUT_MS)
  const report = await child.report
  clearTimeout(timer)
  try {
    if (!report?.ok || !startTime) throw faultOf(report, order.runAs)
    await onRecord({ pid, startTime, unit, ended, group: order.group })
  } catch (error) {
    child.drop()
    killChild(pid, startTime)
    await ended
    throw error
  }
  child.go()
  return { pid, startTime, unit, ended, fresh: report.fresh }
}

/** One that hangs, in a home on a disk that does not answer for example. */
function killChild(pid: number, startTime: string | undefined): void {
  if (startTime === undefined || findProcess(pid)?.startTime !== startTime) return
  try {
    process.kill(pid, 'SIGKILL')
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ESRCH') throw error
  }
}

function childOrder({ runAs, argv, environment, directory, needsHome = true, ...order }: ServerOrder): ChildOrder {
  const { group, limits = {}, umask, log } = order
  return {
    group: group ? entriesOf(group) : [],
    limits,
    log,
    become: runAs.switchUser ? { name: runAs.name, uid: runAs.uid, gid: runAs.gid } : null,
    umask,
    home: runAs.home,
    needsHome,
    directory,
    argv,
    environment,
  }
}

/** The whole environment of a server: the user's own entry, the site's, then the hub's. */
export function environmentFor(
  runAs: RunAs,
  argv: readonly string[],
  site: { path: string; environment: Readonly<Record<string, string>> },
  hub: Readonly<Record<string, string>>,
): Record<string, string> {
  const programs = dirname(argv[0]!)
  const path = hub.PATH ?? site.path
  return {
    ...site.environment,
    ...hub,
    // Kernels and terminals find the environment the server itself was started from.
    PATH: path.split(':').includes(programs) ? path : `${programs}:${path}`,
    HOME: runAs.home,
    USER: runAs.name,
    LOGNAME: runAs.name,
    SHELL: runAs.shell,
  }
}

const FAULTS: Record<ChildFault, (detail: string, user: string) => Refusal> = {
  switch_failed: (detail, user) =>
    new Refusal('switch_failed', `The launcher could not become the user ${user}: ${detail}.`),
  home_missing: (home, user) =>
    new Refusal(
      'home_missing',
      `The home folder ${home} of ${user} does not exist.`,
      'An administrator can make it (mkhomedir_helper) or let PAM make it at sign-in.',
    ),
  home_not_readable: (home, user) =>
    new Refusal(
      'home_not_readable',
      `${user} may not enter the home folder ${home}.`,
      'An administrator can correct its owner and permissions, and those of the folders above it.',
    ),
  home_not_writable: (home, user) =>
    new Refusal(
      'home_not_writable',
      `${user} may not write into the home folder ${home}.`,
      'An administrator can correct its owner and permissions.',
    ),
  directory_missing: (directory, user) =>
    new Refusal('directory_missing', `The folder ${directory} does not exist, or ${user} may not enter it.`),
  command_not_found: program =>
    new Refusal(
      'command_not_found',
      `The program ${program} does not exist.`,
      'An administrator can install jupyterhub and jupyterlab there, or name another program.',
    ),
  command_not_executable: (program, user) =>
    new Refusal(
      'command_not_executable',
      `${user} may not run ${program}.`,
      'An administrator can correct its permissions, and those of the folders above it.',
    ),
  interpreter_missing: (interpreter, user) =>
    new Refusal(
      'interpreter_missing',
      `The program needs ${interpreter}, which does not exist or which ${user} may not run.`,
      'An administrator can install that Python environment anew, outside of homes that others cannot enter.',
    ),
  limits_not_set: () => limitsNotSet(),
  unit_not_started: unit =>
    new Refusal(
      'unit_not_started',
      `The unit ${unit} could not run its first program, a part of Orrery.`,
      'An administrator can look at the log of the server, and whether the options of the spawner hide that program: PrivateTmp hides /tmp, ProtectHome hides /home and /root.',
    ),
  not_prepared: () => notPrepared(),
}

function faultOf(report: ChildReport | undefined, runAs: RunAs): Refusal {
  if (report && !report.ok) return FAULTS[report.code](report.detail, runAs.name)
  return notPrepared()
}

function notPrepared(): Refusal {
  return new Refusal('launcher_failed', 'The launcher could not prepare the process of the server.')
}
