import { HubError } from '../../core/errors.ts'
import { fillInNames } from '../../core/fill-in-names.ts'
import { LOOKED_THROUGH } from '../../core/log-symptoms.ts'
import { SpawnError } from '../../core/reason.ts'
import type { Json } from '../../core/runtime.ts'
import type { ServerKey } from '../../core/server-key.ts'
import type { LauncherClient } from '../../launcher/client.ts'
import type { RunAsKind } from '../../launcher/protocol.ts'
import type { Address, BindAddress, LogPlace, ServerSpec, Spawner, SpawnRun, UserRecord } from '../../plugin/spawner.ts'
import { environmentForLauncher } from './environment.ts'
import { exitedEarly, notStopped, portsTaken } from './reasons.ts'
import { claimOf, type LocalState, placeOf } from './state.ts'
import { usageOfAll } from './usage.ts'

export interface LocalOptions {
  readonly launcher: LauncherClient
  /** What it is called in logs and metrics. */
  readonly name?: string
  /** As whom servers run: the Linux user of the same name (PAM), or one made for each account. */
  readonly as: RunAsKind
  /** The launcher starts servers as units of systemd. Default false. */
  readonly units?: boolean
  /** The launcher does beforehand what takes long, for one user at a time. Default false: it does for all of them. */
  readonly prepares?: boolean
  /** Where servers listen; 127.0.0.1 unless hub or proxy are elsewhere. */
  readonly ip?: string
  /** How long a start waits for the server to listen before it leaves the waiting to the hub. */
  readonly listenWaitMs?: number
}

const PORT_TRIES = 5
const UNANSWERED: readonly string[] = ['launcher_unreachable', 'launcher_timeout']
const START_CALL_MS = 90_000
const JUST_SEEN_MS = 100
const WATCH_MS = 5_000
/** Who has to wait longer is told for what. */
const FIRST_WATCH_MS = 2_000
/** Interrupting, terminating and killing take this much longer than the person was told, at most. */
const STOP_MARGIN_MS = 20_000

/** Servers are processes on this machine, started by the launcher as the user they belong to. */
export function local(options: LocalOptions): Spawner<Json, LocalState> {
  const { launcher, listenWaitMs = 120_000 } = options
  const usualIp = options.ip ?? '127.0.0.1'
  /** Where, and when last, the launcher has seen the server of this state listen, and nobody else. */
  const seenAt = new WeakMap<LocalState, BindAddress & { readonly when: number }>()

  async function start(server: ServerSpec, run: SpawnRun<LocalState>): Promise<Address> {
    const { ip = usualIp, port: onlyPort } = server.listen ?? {}
    const tries = onlyPort === undefined ? PORT_TRIES : 1
    for (let tried = 1; tried <= tries; tried++) {
      const port = onlyPort ?? (await launcher.call('freePort', { ip: oneIp(ip) }, { signal: run.signal })).port
      const state = await startOn({ ip, port }, server, run)
      const outcome = await orEnd(server.key, state, run.signal, () => watch(server.key, state, { ip, port }, run))
      if (outcome === 'up') return addressAt(ip, port, state.proto)
      await end(server.key, state, 0)
      run.log.warn({ user: server.key.user, server: server.key.server, port }, 'port was taken by another program')
      run.progress({ message: `Port ${port} was taken by another program.` })
    }
    throw new SpawnError(portsTaken(tries))
  }

  async function startOn(bind: BindAddress, server: ServerSpec, run: SpawnRun<LocalState>): Promise<LocalState> {
    const { key } = server
    const { allowedEnvironment } = await launcher.call('hello', {}, { signal: run.signal })
    run.signal.throwIfAborted()
    // Not given up when the signal aborts: only the answer tells which process to end.
    const asked = {
      key,
      as: options.as,
      ...(options.units && { unit: true }),
      command: [...server.command],
      environment: environmentForLauncher(server.environment(bind), allowedEnvironment),
      directory: notebookFolder(server),
      limits: server.limits,
      guarantees: server.guarantees ?? {},
      ...(server.tls && { tls: { ...server.tls } }),
    }
    const started = await launcher
      .call('start', asked, { timeoutMs: START_CALL_MS })
      .catch(error => endUnanswered(key, error, run))
    const proto = server.tls && ({ proto: 'https' } as const)
    const unit = started.unit !== undefined && { unit_name: started.unit }
    const state: LocalState = { pid: started.pid, startTime: started.startTime, ...unit, ...bind, ...proto }
    await orEnd(key, state, undefined, () => run.saveState(state))
    await orEnd(key, state, run.signal, async () => run.signal.throwIfAborted())
    for (const warning of started.warnings) run.progress({ message: warning })
    run.progress({ percent: 30, message: `Started as ${started.linuxUser}, waiting for it to listen.` })
    return state
  }

  /** The launcher may have started the server all the same; it knows it by its key alone. */
  async function endUnanswered(key: ServerKey, error: unknown, run: SpawnRun<LocalState>): Promise<never> {
    if (error instanceof HubError && UNANSWERED.includes(error.code)) {
      await end(key, {}, 0).catch(fault =>
        run.log.warn({ err: fault }, 'what the launcher may have started is not ended'),
      )
    }
    throw error
  }

  async function watch(
    key: ServerKey,
    state: LocalState,
    bind: BindAddress,
    run: SpawnRun<LocalState>,
  ): Promise<'up' | 'port taken'> {
    let waitMs = FIRST_WATCH_MS
    for (const until = Date.now() + listenWaitMs; Date.now() < until; waitMs = WATCH_MS) {
      const asked = { key, ...claimOf(state), ip: oneIp(bind.ip), port: bind.port, waitMs }
      const seen = await launcher.call('watch', asked, { signal: run.signal })
      if (seen.seen === 'listening') {
        seenAt.set(state, { ...bind, when: performance.now() })
        return 'up'
      }
      if (seen.seen === 'taken') return 'port taken'
      if (seen.seen === 'waiting') {
        if (waitMs === FIRST_WATCH_MS)
          run.progress({ message: `The process runs; nothing listens on port ${bind.port} yet.` })
        continue
      }
      const { text } = await launcher.call('logs', { key, lines: LOOKED_THROUGH })
      const reason = exitedEarly(seen.exit, text)
      if (seen.portTaken || reason.code === 'port_taken') return 'port taken'
      throw new SpawnError(reason)
    }
    return 'up'
  }

  /**
   * What goes wrong after the process exists must not leave it behind. Only a hub that closes or has lost the lease
   * leaves a saved server to its successor.
   */
  async function orEnd<T>(
    key: ServerKey,
    state: LocalState,
    signal: AbortSignal | undefined,
    step: () => Promise<T>,
  ): Promise<T> {
    try {
      return await step()
    } catch (error) {
      if (!signal || !isHandedOver(signal)) await end(key, state, 0)
      throw error
    }
  }

  async function end(key: ServerKey, state: unknown, timeoutMs: number): Promise<void> {
    const half = Math.min(600_000, Math.round(timeoutMs / 2))
    const asked = { key, ...claimOf(state), interruptMs: half, terminateMs: half }
    const { stopped } = await launcher.call('stop', asked, { timeoutMs: timeoutMs + STOP_MARGIN_MS })
    if (!stopped) throw new SpawnError(notStopped(claimOf(state).pid))
  }

  return {
    name: options.name ?? (options.units ? 'systemd' : 'local'),
    start: (server, run) => explained(() => start(server, run)),
    ...(options.prepares && {
      async prepare(user: UserRecord, { command }: Pick<ServerSpec, 'command'>, signal: AbortSignal) {
        const asked = { key: { user: user.name, server: '' }, command: [...command] }
        await launcher.call('prepare', asked, { signal })
      },
    }),
    async poll(key, state, signal) {
      const found = await launcher.call('poll', { key, ...claimOf(state) }, { signal })
      return found.running ? undefined : found.exit
    },
    async owns(key, state, address, signal) {
      if (address.proto !== 'http' && address.proto !== 'https') return false
      // Of the very start that asks: its server has answered the moment it listened.
      const seen = seenAt.get(state)
      seenAt.delete(state)
      const isThere = seen?.port === address.port && addressAt(seen.ip, seen.port).host === address.host
      if (isThere && performance.now() - seen.when < JUST_SEEN_MS) return true
      const host = address.host === 'localhost' ? '127.0.0.1' : address.host
      const asked = { key, ...claimOf(state), ip: host, port: address.port }
      return (await launcher.call('owns', asked, { signal })).owns
    },
    stateTellsAddress: true,
    async address(_key, state) {
      const place = placeOf(state)
      return place && addressAt(place.ip ?? usualIp, place.port, place.proto)
    },
    stop: (key, state, how) => explained(() => end(key, state, how.now ? 0 : how.timeoutMs)),
    async forget(key) {
      await launcher.call('forget', { key })
    },
    usage: (servers, signal) => usageOfAll(launcher, servers, signal),
    async logs(key, _state, lines) {
      return (await launcher.call('logs', { key, lines: Math.min(lines, 10_000) })).text
    },
    readLog: (key, _state, place, signal) => launcher.call('readLog', { key, ...readable(place) }, { signal }),
  }
}

/** A place that another spawner has named is none in these logs. */
function readable({ after, until, ...place }: LogPlace): LogPlace {
  const isOurs = (cursor: string | undefined) =>
    cursor !== undefined && /^[0-9a-f]{1,32}-\d{1,20}:\d{1,16}$/.test(cursor)
  return { ...place, ...(isOurs(after) && { after }), ...(isOurs(until) && { until }) }
}

/** A server that listens everywhere, with IPv4 and IPv6, is reached on this machine. */
function addressAt(ip: string, port: number, proto: LocalState['proto'] = 'http'): Address {
  return { proto, host: ip || '127.0.0.1', port }
}

/** The launcher wants one address to look at; what listens everywhere listens there too. */
function oneIp(ip: string): string {
  return ip || '0.0.0.0'
}

/** The folder as the server will read it from its environment, below the home where it is not absolute. */
function notebookFolder({ notebookDir, key }: ServerSpec): string {
  return fillInNames(notebookDir, key).replace(/^~(\/|$)/, '')
}

function isHandedOver(signal: AbortSignal): boolean {
  const code = signal.aborted && (signal.reason as { code?: unknown } | undefined)?.code
  return code === 'lease_lost' || code === 'hub_closing'
}

/** The launcher's refusals are reasons of a failed start, told as they are. */
async function explained<T>(task: () => Promise<T>): Promise<T> {
  try {
    return await task()
  } catch (error) {
    if (!(error instanceof HubError)) throw error
    const { code, message, nextStep, status } = error
    throw new SpawnError({ code, message, ...(nextStep === undefined ? {} : { nextStep }) }, { status, cause: error })
  }
}
