import { setImmediate } from 'node:timers/promises'
import { background } from '../core/runtime.ts'
import type { ServerKey } from '../core/server-key.ts'
import { findLinuxUserFacts } from './accounts/linux-user.ts'
import { madeAccounts } from './accounts/made-accounts.ts'
import { chooseUser } from './accounts/run-as.ts'
import { allowedCommand } from './allowed-command.ts'
import { allowedEnvironment, allowedGuardedNames } from './allowed-environment.ts'
import type { KeptForker } from './forking/forkers.ts'
import { environmentFor, type ServerOrder, startServer } from './forking/start-server.ts'
import { limitsThatHold, limitWarnings, processLimits } from './groups/limits-that-hold.ts'
import { groupKeeper } from './groups/look-after-groups.ts'
import { noticeMemoryKills } from './groups/memory-kills.ts'
import { serverGroups } from './groups/server-groups.ts'
import { keptExits } from './kept-exits.ts'
import { findLaunchedService, isServiceKey, serviceKey, serviceUser } from './launched-services.ts'
import { serverLogs } from './logs/server-logs.ts'
import { oneAtATime } from './one-at-a-time.ts'
import { isRoot, type LauncherOptions, separatesUsers } from './options.ts'
import { pamChecks } from './pam/pam.ts'
import { privateDirectory } from './private-directory.ts'
import { endServer } from './processes/end-processes.ts'
import { portOffice } from './processes/free-port.ts'
import { portWatch } from './processes/port-watch.ts'
import { listProcesses, type ProcessInfo } from './processes/process-info.ts'
import { type SocketTable, socketsSoon } from './processes/socket-owner.ts'
import type { Answers, Asked, OperationName } from './protocol.ts'
import { PROTOCOL_VERSION } from './protocol.ts'
import { Refusal } from './refusal.ts'
import { type FoundServer, runningServers } from './running-servers.ts'
import { type ServerRecord, serverDigest, serverRecords } from './server-records.ts'
import { usageOfServer } from './server-usage.ts'
import { type TlsTexts, tlsFiles } from './tls-files.ts'
import { limitsOfUnits } from './units/unit-group.ts'
import type { UnitRunner } from './units/unit-runner.ts'

/** `gone` aborts when whoever asked has closed the connection and will not read the answer. */
export type Operations = {
  [Op in OperationName]: (asked: Asked<Op>, gone: AbortSignal) => Promise<Answers[Op]>
}

/** What was not started by this launcher ends without a word; the others are asked for now and then all the same. */
const WATCH_EVERY_MS = 100
const LOOK_AGAIN_MS = 1000
const REMAINS_TERMINATE_MS = 3_000

interface Launched extends Omit<ServerOrder, 'umask' | 'log'> {
  readonly tls: TlsTexts | undefined
  /** Absent for services, which are processes of the launcher's own in any case. */
  readonly limited?: Pick<Asked<'start'>, 'limits' | 'guarantees'>
}

const MISMATCH = 'The hub and its launcher do not agree whether servers are units of systemd.'
const MISMATCH_STEP =
  'An administrator can start the launcher with --unit for a spawner of the kind systemd, and else without.'

/** `units`: starts servers in the place of `forker`. Both are closed by whoever opened them. */
export function launcherOperations(
  options: LauncherOptions,
  forker: KeptForker,
  units?: UnitRunner,
): Operations & { turnOverLogs(): Promise<void>; lookAfterGroups(): void; close(): void } {
  privateDirectory(options.stateDir)
  const { log } = options
  const records = serverRecords(options.stateDir)
  const logs = serverLogs(options.stateDir)
  const accounts = isRoot() && options.runAs.includes('own-account') ? madeAccounts(options) : undefined
  const exits = options.ownUser && keptExits(options.stateDir)
  const servers = runningServers(records, options, units, exits)
  const freePort = portOffice()
  const ports = portWatch()
  const pam = pamChecks(options)
  const inTurn = oneAtATime()
  const tls = tlsFiles(options.tlsDir)
  // systemd makes them for units.
  const groups = serverGroups(units ? { ...options, controlGroups: 'off' } : options)
  const keeper = groupKeeper(groups, records, log)
  const hold = units ? limitsOfUnits() : limitsThatHold(groups.place, separatesUsers(options))
  let isWarned = false
  removeStaleTls()
  keeper.look()
  exits?.removeOld()

  async function start(asked: Asked<'start'>, gone: AbortSignal): Promise<Answers['start']> {
    const { key } = asked
    if (isServiceKey(key)) throw new Refusal('service_refused', 'Services are not started as servers.')
    if ((asked.unit ?? false) !== (units !== undefined)) throw new Refusal('units_mismatch', MISMATCH, MISMATCH_STEP)
    const argv = allowedCommand(asked.command, options)
    const hubEnvironment = allowedEnvironment(asked.environment, options, separatesUsers(options))
    const runAs = await chooseUser(key.user, asked.as, options, accounts)
    const environment = environmentFor(runAs, argv, options, hubEnvironment)
    const warnings = units ? [] : limitWarnings(asked.limits, hold)
    if (warnings.length > 0) warnOnce()
    const order = { runAs, argv, environment, directory: asked.directory, tls: asked.tls, limited: asked }
    const started = await launch(key, order, gone)
    const { pid } = started
    log.info({ user: key.user, server: key.server, linuxUser: runAs.name, uid: runAs.uid, pid }, 'server started')
    return { ...started, home: runAs.home, warnings }
  }

  async function startLaunchedService(
    asked: Asked<'startService'>,
    gone: AbortSignal,
  ): Promise<Answers['startService']> {
    const service = findLaunchedService(asked.name, options)
    const key = serviceKey(service.name)
    const own = { allowedEnvironment: [...options.allowedEnvironment, ...service.environmentNames] }
    const hubEnvironment = allowedEnvironment(asked.environment, own, true)
    const runAs = await serviceUser(service, options)
    const { command: argv, cwd: directory = '' } = service
    const environment = environmentFor(runAs, argv, options, hubEnvironment)
    const order = { runAs, argv, environment, directory, needsHome: false, tls: asked.tls }
    const started = await launch(key, order, gone)
    log.info({ service: service.name, linuxUser: runAs.name, uid: runAs.uid, pid: started.pid }, 'service started')
    return started
  }

  /** In the place of what is left of an earlier run. */
  async function launch(
    key: ServerKey,
    { tls: texts, limited, ...order }: Launched,
    gone: AbortSignal,
  ): Promise<Answers['startService'] & Pick<Answers['start'], 'unit' | 'fresh'>> {
    await endRemains(key)
    const { limits = {}, guarantees = {} } = limited ?? {}
    const group = limited && (await groups.make(serverDigest(key), limits, guarantees))
    const placed = texts && tls.place(key, texts, order.runAs)
    const inUnit = limited && units?.runnerFor({ key, runAs: order.runAs, limits, guarantees }, placed)
    const environment = { ...order.environment, ...(inUnit?.tlsVariables ?? placed) }
    const own = { group, limits: processLimits(limits, hold), umask: options.umask, log: logs.begin(key) }
    const whole = { ...order, ...own, environment }
    const started = await startServer(whole, inUnit ?? forker, started => servers.add(key, started)).catch(error => {
      tls.remove(key)
      throw error
    })
    const { pid, startTime, unit, fresh } = started
    if (fresh !== undefined) log.info({ user: key.user, server: key.server, reason: fresh }, 'server is not preloaded')
    if (placed) void started.ended.then(() => removeTls(key))
    if (gone.aborted) {
      // Nobody learns of this process, so nobody would ever stop it.
      await stop({ key, pid, startTime, interruptMs: 0, terminateMs: REMAINS_TERMINATE_MS })
      throw new Refusal('asker_gone', 'The hub closed the connection during the start.')
    }
    const told = {
      ...(unit && { unit: unit.name.replace(/\.service$/, '') }),
      ...(fresh !== undefined && { fresh }),
    }
    return { pid, startTime, ...told, linuxUser: order.runAs.name }
  }

  /** What a server proved itself with is of no use after its end. In turn, since the next start brings its own. */
  function removeTls(key: ServerKey): void {
    const removed = inTurn(serverDigest(key), async () => {
      if (!(await servers.find({ key })).running) tls.remove(key)
    })
    background(removed, 'remove keys of a server', log)
  }

  /** Of servers that ended while no launcher ran. */
  function removeStaleTls(): void {
    for (const digest of tls.digests()) {
      const record = records.findDigest(digest)
      if (record) removeTls(record.key)
      else tls.removeDigest(digest)
    }
  }

  function warnOnce(): void {
    if (isWarned) return
    isWarned = true
    log.warn(
      { ...hold, see: 'docs/how-to/limit-servers.md' },
      'not all limits of servers hold: the launcher has no control groups with memory, cpu and pids',
    )
  }

  /** An earlier run of the same server whose end nobody could wait for, for example because the hub was killed. */
  async function endRemains(key: ServerKey): Promise<void> {
    const found = await servers.find({ key })
    if (!found.running) return
    log.warn({ user: key.user, server: key.server, pid: found.process.pid }, 'ending what is left of an earlier run')
    await endAll(found, { interruptMs: 0, terminateMs: REMAINS_TERMINATE_MS })
  }

  async function endAll(
    { process, record, unit }: Extract<FoundServer, { running: true }>,
    steps: { interruptMs: number; terminateMs: number },
  ): Promise<boolean> {
    const ended = await endServer(process, steps, record?.group)
    if (ended && unit !== undefined) await units?.stop(unit)
    return ended
  }

  /** The groups of units are looked at when somebody asks. */
  function noticed({ record }: Extract<FoundServer, { running: true }>): ServerRecord | undefined {
    return record?.unit ? noticeMemoryKills(record, records, log) : record
  }

  async function watch(asked: Asked<'watch'>, gone: AbortSignal): Promise<Answers['watch']> {
    let seen: SocketTable | undefined
    for (const until = Date.now() + asked.waitMs; ; ) {
      const found = await servers.find(asked)
      if (!found.running) {
        const portTaken = (await socketsSoon()).listenersAt(asked.ip, asked.port).length > 0
        return { seen: 'ended', exit: found.exit, portTaken }
      }
      const port = await servers.ownsPort(found.process, asked.ip, asked.port, seen ?? (await socketsSoon()))
      if (port === 'owns') return { seen: 'listening' }
      if (port === 'other') return { seen: 'taken' }
      if (Date.now() >= until || gone.aborted) return { seen: 'waiting' }
      const ended = servers.endOf(found.process)
      const listening = ports.appears(asked.port, ended ? LOOK_AGAIN_MS : WATCH_EVERY_MS)
      seen = (await Promise.race(ended ? [listening, ended.then(() => undefined)] : [listening])) ?? undefined
    }
  }

  async function stop(asked: Asked<'stop'>): Promise<Answers['stop']> {
    const found = await servers.find(asked)
    if (!found.running) return { stopped: true }
    const { key } = asked
    const stopped = await endAll(found, asked)
    if (stopped && tls.has(key)) removeTls(key)
    if (!stopped) log.error({ user: key.user, server: key.server, pid: found.process.pid }, 'server cannot be killed')
    return { stopped }
  }

  return {
    async hello() {
      return {
        version: PROTOCOL_VERSION,
        pid: process.pid,
        separateUsers: separatesUsers(options),
        allowedEnvironment: allowedGuardedNames(options, separatesUsers(options)),
        commands: options.commands.map(command => command.join(' ')),
        services: options.services.map(({ name }) => name),
        limits: hold,
      }
    },
    start(asked, gone) {
      const digest = serverDigest(asked.key)
      return inTurn(digest, () => keeper.whileStarting(digest, () => start(asked, gone)))
    },
    // What it preloads is for everybody.
    prepare: async () => ({ state: 'unneeded' }),
    startService: (asked, gone) =>
      inTurn(serverDigest(serviceKey(asked.name)), () => startLaunchedService(asked, gone)),
    async poll(asked) {
      const found = await servers.find(asked)
      if (!found.running && tls.has(asked.key)) removeTls(asked.key)
      return found.running ? { running: true } : found
    },
    watch,
    async owns(asked) {
      const found = await servers.find(asked)
      if (!found.running) return { owns: false }
      const sockets = await socketsSoon()
      return { owns: (await servers.ownsPort(found.process, asked.ip, asked.port, sockets)) === 'owns' }
    },
    async usage(asked) {
      const found = await servers.find(asked)
      return found.running ? { running: true, ...usageOfServer(found.process, noticed(found)) } : { running: false }
    },
    async usageOfAll(asked) {
      let all: ProcessInfo[] | undefined
      const list = () => {
        all ??= listProcesses()
        return all
      }
      const used: Answers['usageOfAll']['servers'] = []
      for (const claim of asked.servers) {
        const found = await servers.find(claim)
        used.push(found.running ? usageOfServer(found.process, noticed(found), list) : null)
        // Of hundreds of servers: whoever starts one meanwhile does not wait for all.
        await setImmediate()
      }
      return { servers: used }
    },
    stop,
    readLog: ({ key, ...place }) => logs.read(key, place),
    logs: async asked => ({ text: await logs.tail(asked.key, asked.lines) }),
    forget: ({ key }) =>
      inTurn(serverDigest(key), async () => {
        if ((await servers.find({ key })).running) return { forgotten: false }
        records.remove(key)
        logs.remove(key)
        return { forgotten: true }
      }),
    freePort: async ({ ip }) => ({ port: await freePort(ip) }),
    lookupUser: async ({ name }) => ({ user: (await findLinuxUserFacts(name, options)) ?? null }),
    async makeAccount({ name }) {
      if (!accounts) throw new Refusal('accounts_unavailable', 'This launcher makes no Linux users.')
      const { user, made } = await accounts.ensure(name)
      return { linuxUser: user.name, home: user.home, made }
    },
    pamAuthenticate: pam.authenticate,
    pamSession: pam.session,
    lookAfterGroups: keeper.look,
    close: groups.close,
    turnOverLogs: () => logs.turnOver(options.maxLogBytes),
  }
}
