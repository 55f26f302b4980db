import type { ServerKey } from '../core/server-key.ts'
import { findLinuxUser } from './accounts/linux-user.ts'
import type { StartedServer } from './forking/start-server.ts'
import { memoryKillsOf, removeGroup } from './groups/group.ts'
import { explainedExit, noticeMemoryKills } from './groups/memory-kills.ts'
import type { KeptExits } from './kept-exits.ts'
import { isRoot, type LauncherOptions } from './options.ts'
import { findEnvironment, findProcess, type ProcessInfo, processTree } from './processes/process-info.ts'
import { holdsSocket, type SocketTable } from './processes/socket-owner.ts'
import type { ServerExit } from './protocol.ts'
import type { ServerRecord, ServerRecords } from './server-records.ts'
import { groupOfProcess } from './units/unit-group.ts'
import type { UnitRunner } from './units/unit-runner.ts'

/** What the hub remembers of a server. JupyterHub's own state is a pid and nothing more. */
export interface ServerClaim {
  readonly key: ServerKey
  readonly pid?: number | undefined
  readonly startTime?: string | undefined
  /** Unit of a server that JupyterHub's SystemdSpawner has started. */
  readonly unit?: string | undefined
}

/** `record`: absent for servers that this launcher has not started. */
export type FoundServer =
  | { running: true; process: ProcessInfo; record?: ServerRecord | undefined; unit?: string | undefined }
  | { running: false; exit: ServerExit }

export interface RunningServers {
  /** Writes down a server that was just started, and how it ends. */
  add(key: ServerKey, started: StartedServer): Promise<void>
  find(claim: ServerClaim): Promise<FoundServer>
  /** Resolves at the end of a server that this launcher started; undefined for others. */
  endOf(process: ProcessInfo): Promise<unknown> | undefined
  /** Does the server hold every socket that takes connections to this address? */
  ownsPort(server: ProcessInfo, ip: string, port: number, sockets: SocketTable): Promise<'owns' | 'other' | 'nobody'>
}

export function runningServers(
  records: ServerRecords,
  options: Pick<LauncherOptions, 'minUid' | 'shells' | 'log'>,
  units?: Pick<UnitRunner, 'endOf' | 'findProcess'>,
  exits?: KeptExits,
): RunningServers {
  const ours = new Map<number, StartedServer>()

  async function add(key: ServerKey, started: StartedServer): Promise<void> {
    const { pid, startTime, unit } = started
    const group = started.group ?? (unit && groupOfProcess(pid))
    const uid = findProcess(pid)?.uid ?? -1
    const record = { key, pid, startTime, uid, unit, startedAt: new Date().toISOString() }
    const grouped = group && { group, memoryKills: { before: memoryKillsOf(group), count: 0 } }
    records.write({ ...record, ...grouped })
    watchEnd(key, started)
  }

  function watchEnd(key: ServerKey, started: StartedServer): void {
    const { pid, startTime } = started
    const ended = started.ended.then(exit => {
      ours.delete(pid)
      const told = writeEnd(key, pid, startTime, exit)
      options.log.info({ user: key.user, server: key.server, pid, ...told }, 'server ended')
      return told
    })
    ours.set(pid, { ...started, ended })
  }

  function writeEnd(key: ServerKey, pid: number, startTime: string, exit: ServerExit): ServerExit {
    const last = records.find(key)
    if (last?.pid !== pid || last.startTime !== startTime) return exit
    const record = noticeMemoryKills(last, records, options.log)
    const told = explainedExit(exit, record)
    records.write({ ...record, exit: told })
    // What is still in it, or has just been killed, is seen to by the next look at all groups.
    if (record.group && !record.unit) removeGroup(record.group)
    return told
  }

  /** systemd tells how a unit ends whoever is there: so that of an earlier launcher is watched as if it were ours. */
  function adoptUnit({ key, pid, startTime, unit, exit }: ServerRecord): void {
    if (!units || !unit || exit || ours.get(pid)?.startTime === startTime) return
    watchEnd(key, { pid, startTime, unit, ended: units.endOf(unit, { pid, startTime }) })
  }

  async function find(claim: ServerClaim): Promise<FoundServer> {
    const record = records.find(claim.key)
    if (record) adoptUnit(record)
    const pid = claim.pid ?? record?.pid ?? (claim.unit && (await units?.findProcess(`${claim.unit}.service`)))
    if (!pid) return { running: false, exit: {} }
    const known = record?.pid === pid && (claim.startTime ?? record.startTime) === record.startTime ? record : undefined
    const info = findProcess(pid)
    if (info && !info.ended && (await isTheServer(info, claim, known))) {
      return { running: true, process: info, record: known, unit: await unitOf(info, claim, known) }
    }
    // It has just ended: its status is on the way.
    if (known && ours.get(pid)?.startTime === known.startTime)
      return { running: false, exit: await ours.get(pid)!.ended }
    return { running: false, exit: (known && (records.find(claim.key)?.exit ?? exits?.find(known))) ?? {} }
  }

  /** The hub may name a unit too; it is the server's when its main process is. */
  async function unitOf({ pid }: ProcessInfo, claim: ServerClaim, known?: ServerRecord): Promise<string | undefined> {
    if (known || claim.unit === undefined) return known?.unit?.name
    const unit = `${claim.unit}.service`
    return (await units?.findProcess(unit)) === pid ? unit : undefined
  }

  /**
   * The hub names a pid, and the launcher can signal any process: so the process must be one that was started for this
   * server, by the launcher's own record or by the environment it was started with (JupyterHub's servers, adopted).
   */
  async function isTheServer(info: ProcessInfo, claim: ServerClaim, known: ServerRecord | undefined): Promise<boolean> {
    if (known) return info.startTime === known.startTime
    if (claim.startTime !== undefined && info.startTime !== claim.startTime) return false
    if (isRoot() && info.uid < options.minUid) return false
    const environment = await findEnvironment(info.pid)
    // The same container's root may not read it either; then the process must be the Linux user's of that name.
    if (!environment) return isRoot() && (await findLinuxUser(claim.key.user, options))?.uid === info.uid
    return (
      environment.get('JUPYTERHUB_USER') === claim.key.user &&
      (environment.get('JUPYTERHUB_SERVER_NAME') ?? '') === claim.key.server
    )
  }

  async function ownsPort(
    server: ProcessInfo,
    ip: string,
    port: number,
    sockets: SocketTable,
  ): Promise<'owns' | 'other' | 'nobody'> {
    const listeners = sockets.listenersAt(ip, port)
    if (listeners.length === 0) return 'nobody'
    for (const { inode, uid } of listeners) {
      if (uid !== server.uid) return 'other'
      // Nearly always it is the server itself; only else all processes are looked through for its own.
      if ((await holdsSocket(server.pid, inode)) === 'yes') continue
      const held = await Promise.all(processTree(server).map(info => holdsSocket(info.pid, inode)))
      // Where it cannot be seen which process holds the socket, it is at least one of the same user's.
      if (!held.includes('yes') && !held.includes('unknown')) return 'other'
    }
    return 'owns'
  }

  function endOf({ pid, startTime }: ProcessInfo): Promise<unknown> | undefined {
    const started = ours.get(pid)
    return started?.startTime === startTime ? started.ended : undefined
  }

  return { add, find, endOf, ownsPort }
}
