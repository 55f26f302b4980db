/**
 * Starts, follows and stops servers. Everything it knows is in the database: any hub can answer for any server, and a
 * hub that is killed loses none.
 */
import { randomUUID } from 'node:crypto'
import { setTimeout as sleep } from 'node:timers/promises'
import { HubError } from '../core/errors.ts'
import type { Reason } from '../core/reason.ts'
import { background, type Json } from '../core/runtime.ts'
import { type ServerKey, serverKeyText } from '../core/server-key.ts'
import type { ProgressEvent, ServerState } from '../core/server-state.ts'
import type { OptionsForm, UserRecord } from '../plugin/spawner.ts'
import { type SpawningContext, type SpawningDeps, withDefaults } from './context.ts'
import { freeLeasesOfTheDead } from './dead-holders.ts'
import { dismantle, removeForGood } from './dismantle.ts'
import { checkLimits } from './limits.ts'
import { each, pollServer, pollServers } from './poll-loop.ts'
import { stoppedReason } from './reasons.ts'
import { recoverServer } from './recover.ts'
import { beginRun, requestStop } from './run-store.ts'
import { serverEvents } from './server-events.ts'
import { activeServers, findServer, type ServerRow, userRecord } from './server-row.ts'
import { checkNamedServer, ensureServerRow, noSuchUser } from './server-rows.ts'
import { serverState } from './server-state.ts'
import { createSignals } from './signals.ts'
import { type HeldServer, holdServer } from './spawn-lease.ts'
import { asHubError, startServer } from './start-server.ts'

export interface StartRequest {
  /** Choices for the spawner; those of the last start when absent. */
  readonly options?: Json
  /** For a named server that does not exist yet; its name when absent. */
  readonly displayName?: string
  /** Name of the user or service that asks, for the log. */
  readonly requestedBy: string
}

export interface StopRequest {
  /** Kill at once. */
  readonly now?: boolean
  /** Name of the user or service that asks. */
  readonly by: string
  /** Told to the user instead of "stopped by ...": culled, blocked ... */
  readonly reason?: Reason
}

export interface Spawning {
  /**
   * Returns once the start is on record; it goes on by itself. `pending`: it had begun already, maybe at another hub;
   * `ready`: it runs. Throws HubError for limits, names, options, unknown users, and while the server is stopping.
   */
  start(key: ServerKey, request: StartRequest): Promise<'started' | 'pending' | 'ready'>
  /** Returns once the stop is on record, or `stopped` when there was nothing to stop. A pending start is broken off. */
  stop(key: ServerKey, request: StopRequest): Promise<'stopped' | 'stopping'>
  /** Deletes a server for good, with what its spawner keeps for it; `stopping`: as soon as it is stopped. */
  remove(key: ServerKey, request: { by: string }): Promise<'removed' | 'stopping'>
  /** Makes the row of a server without starting it. Throws HubError 409 when it exists. */
  create(key: ServerKey, init: { displayName?: string; options?: Json }): Promise<void>
  /** Runs `change` on the rows of a server that neither runs nor starts. Throws HubError 400 when it does. */
  whileStopped<T>(key: ServerKey, change: (held: HeldServer, server: ServerRow) => Promise<T>): Promise<T>
  state(key: ServerKey): Promise<ServerState>
  /** Asks the spawner now whether a running server still is; one that ended is cleared away first. */
  check(key: ServerKey): Promise<ServerState>
  /** Waits until nothing is pending, at most `timeoutMs`. */
  settled(key: ServerKey, timeoutMs: number, signal?: AbortSignal): Promise<ServerState>
  /** The story of the latest start, then what is still to come; the last event is `ready` or `failed`. */
  events(key: ServerKey, options?: { afterId?: number; signal?: AbortSignal }): AsyncIterable<ProgressEvent>
  /** The last lines of the server's log; empty when its spawner keeps none. */
  logs(key: ServerKey, lines: number): Promise<string>
  optionsForm(user: UserRecord, signal: AbortSignal): Promise<OptionsForm | undefined>
  readonly allowsNamedServers: boolean
  /** Throws HubError 400 where a named server is not allowed; for forms. */
  checkNamedServer(
    user: UserRecord,
    name: string,
    displayName: string,
    options?: { checkLimit?: boolean },
  ): Promise<void>
  /**
   * At the start of a hub: adopts what runs, then begins to poll. What was half-way is finished or cleared away in the
   * background. Routes of what runs are the route keeper's, by the database.
   */
  recover(): Promise<void>
  /** Stops every server and waits for it, at most `timeoutMs`. */
  stopAll(request: StopRequest & { timeoutMs?: number }): Promise<void>
  /** Gives up the leases, stops nothing: another hub, or this one after a restart, goes on. */
  close(): Promise<void>
}

const BUSY_PATIENCE_MS = 5_000
const BUSY_PAUSE_MS = 50
const CLOSE_GRACE_MS = 5_000

export function createSpawning(deps: SpawningDeps): Spawning {
  const closing = new AbortController()
  const context: SpawningContext = {
    hooks: {},
    observer: {},
    ...deps,
    settings: withDefaults(deps.settings),
    signals: createSignals(),
    closing: closing.signal,
    delicate: new Set(),
    failures: { inARow: 0 },
  }
  const { database, spawner, environment, settings, signals, clock, log } = context
  const tasks = new Set<Promise<void>>()
  let isRecovered = false

  /** Work that goes on after the answer. */
  function goOn(task: Promise<void>): void {
    tasks.add(task)
    const done = task.finally(() => tasks.delete(task))
    background(done, 'spawning', log)
  }

  const stateOf = (server: ServerRow | undefined) => serverState(server, environment.baseUrl)
  const state = async (key: ServerKey) => stateOf(await findServer(database, key))

  async function getUser(name: string): Promise<UserRecord> {
    const user = await userRecord(database, name)
    if (!user) throw noSuchUser(name)
    return user
  }

  /** Somebody works on this server; what they do is soon to be seen in the database. */
  async function holdSoon(key: ServerKey): Promise<HeldServer | undefined> {
    for (const deadline = Date.now() + BUSY_PATIENCE_MS; Date.now() < deadline; await sleep(BUSY_PAUSE_MS)) {
      const held = await holdServer(context, key)
      if (held) return held
      const { phase } = await state(key)
      if (phase === 'spawning' || phase === 'stopping') return undefined
    }
    return undefined
  }

  async function start(key: ServerKey, request: StartRequest): Promise<'started' | 'pending' | 'ready'> {
    if (closing.signal.aborted) throw hubCloses()
    const user = await getUser(key.user)
    if (key.server !== '') await checkNamedServer(context, user, key.server, request.displayName || key.server)
    const found = await check(key)
    if (found.phase === 'ready') return 'ready'
    if (found.phase === 'spawning') return 'pending'
    if (found.phase === 'stopping') throw pendingStop(key)

    const held = await holdSoon(key)
    if (!held) return 'pending'
    try {
      const run = await beginStart(held, user, request)
      if (typeof run === 'string') {
        await held.release()
        return run
      }
      log.info({ ...key, by: request.requestedBy }, 'starting server')
      signals.notify(run.run.spawnerId)
      goOn(startServer(context, held, run))
      return 'started'
    } catch (error) {
      await held.release()
      throw asHubError(error)
    }
  }

  async function beginStart(held: HeldServer, user: UserRecord, { options, displayName }: StartRequest) {
    const { key } = held
    const before = await findServer(database, key)
    const found = stateOf(before)
    // Another request, or another hub, was quicker.
    if (found.phase === 'ready') return 'ready' as const
    if (found.phase === 'spawning') return 'pending' as const
    if (found.phase === 'stopping') throw pendingStop(key)
    if (before?.serverId !== undefined) await clearRemains(held, before)

    const chosen = options ?? before?.options ?? {}
    const checked = spawner.checkOptions ? spawner.checkOptions(user, chosen) : chosen
    const runId = randomUUID()
    const row = await held.write(async tx => {
      await checkLimits(tx, context)
      const server = await ensureServerRow(tx, user, key, { displayName })
      await beginRun(tx, server, runId, options, clock.now())
      return server
    })
    return { run: { spawnerId: row.spawnerId, runId }, user, options: checked }
  }

  /** What an earlier stop could not end must end now: two servers would share one home. */
  async function clearRemains(held: HeldServer, server: ServerRow): Promise<void> {
    if ((await dismantle(context, held, server.spawnerId)) === 'gone') return
    throw new HubError('stop_failed', {
      status: 500,
      message: 'The previous server could not be stopped, so no new one is started.',
      nextStep: 'Try again in a minute, or tell your administrator.',
    })
  }

  async function stop(key: ServerKey, { now, by, reason }: StopRequest): Promise<'stopped' | 'stopping'> {
    const server = await findServer(database, key)
    if (!server) return 'stopped'
    const { phase } = stateOf(server)
    if (phase === 'stopping') return 'stopping'
    const why = reason ?? stoppedReason(by, key.user)
    if (!(await requestStop(database, server, randomUUID(), why, clock.now()))) return 'stopped'
    log.info({ ...key, by, reason: why.code }, 'stopping server')
    signals.notify(server.spawnerId)
    goOn(finishStop(server, now ?? false))
    return 'stopping'
  }

  /** Whoever holds the lease does it; if that is nobody, it is us. */
  async function finishStop({ key, spawnerId }: ServerRow, now: boolean): Promise<void> {
    try {
      while (!closing.signal.aborted && (await state(key)).phase === 'stopping') {
        const held = await holdServer(context, key)
        if (!held) {
          await signals.wait(spawnerId, BUSY_PAUSE_MS, closing.signal)
          continue
        }
        try {
          if ((await state(key)).phase === 'stopping') await dismantle(context, held, spawnerId, { now })
        } finally {
          await held.release()
          signals.notify(spawnerId)
        }
      }
    } catch (error) {
      if (!closing.signal.aborted) log.error({ ...key, err: error }, 'stop is not finished; it is tried again')
    }
  }

  async function remove(key: ServerKey, { by }: { by: string }): Promise<'removed' | 'stopping'> {
    const server = await findServer(database, key)
    if (!server) return 'removed'
    const reason: Reason = { code: 'removed', message: 'This server was deleted.' }
    if ((await stop(key, { by, reason })) === 'stopping') {
      // Also when it was being stopped already: the end of a stop looks at this.
      await database.db
        .updateTable('orrery_runs')
        .set({ reason_code: reason.code, reason_message: reason.message })
        .where('spawner_id', '=', server.spawnerId)
        .where('phase', '=', 'stopping')
        .execute()
      return 'stopping'
    }
    await whileStopped(key, (held, latest) => removeForGood(context, held, latest))
    return 'removed'
  }

  async function whileStopped<T>(
    key: ServerKey,
    change: (held: HeldServer, server: ServerRow) => Promise<T>,
  ): Promise<T> {
    const held = await holdSoon(key)
    try {
      const server = await findServer(database, key)
      const { phase } = stateOf(server)
      if (!held || !server || (phase !== 'stopped' && phase !== 'failed')) throw stillActive(key)
      return await change(held, server)
    } finally {
      await held?.release()
    }
  }

  async function create(
    key: ServerKey,
    { displayName, options }: { displayName?: string; options?: Json },
  ): Promise<void> {
    const user = await getUser(key.user)
    const exists = () =>
      new HubError('server_exists', { status: 409, message: `User ${key.user} already has server ${key.server}` })
    if (await findServer(database, key)) throw exists()
    if (key.server !== '') await checkNamedServer(context, user, key.server, displayName || key.server)
    const held = await holdSoon(key)
    if (!held) throw exists()
    try {
      await held.write(tx => ensureServerRow(tx, user, key, { displayName, options }))
    } finally {
      await held.release()
    }
  }

  async function check(key: ServerKey): Promise<ServerState> {
    const server = await findServer(database, key)
    if (!server || stateOf(server).phase !== 'ready') return stateOf(server)
    await pollServer(context, server)
    return state(key)
  }

  async function settled(key: ServerKey, timeoutMs: number, signal?: AbortSignal): Promise<ServerState> {
    for (const deadline = Date.now() + timeoutMs; ; ) {
      const server = await findServer(database, key)
      const now = stateOf(server)
      const leftMs = deadline - Date.now()
      if ((now.phase !== 'spawning' && now.phase !== 'stopping') || leftMs <= 0 || signal?.aborted) return now
      await signals.wait(server!.spawnerId, Math.min(leftMs, 250), signal)
    }
  }

  async function recover(): Promise<void> {
    await freeLeasesOfTheDead(database, context.holder, log)
    const servers = await activeServers(database)
    if (servers.length > 0) log.info({ servers: servers.length }, 'looking after servers of before')
    const isPending = ({ run }: ServerRow) => run?.phase === 'spawning' || run?.phase === 'stopping'
    // A start may take minutes yet, and nobody should wait for a page meanwhile.
    goOn(each(servers.filter(isPending), server => recoverServer(context, server)))
    await each(
      servers.filter(server => !isPending(server)),
      server => recoverServer(context, server),
    )
    if (!isRecovered) goOn(pollServers(context))
    isRecovered = true
  }

  async function stopAll({
    timeoutMs = settings.stopTimeoutMs * 2,
    ...request
  }: StopRequest & { timeoutMs?: number }): Promise<void> {
    const deadline = Date.now() + timeoutMs
    await each(await activeServers(database), async ({ key }) => {
      await stop(key, request)
      await settled(key, deadline - Date.now())
    })
  }

  async function close(): Promise<void> {
    // A spawner that is just making something may write it down first.
    await withinGrace(context.delicate)
    closing.abort()
    await withinGrace(tasks)
  }

  return {
    allowsNamedServers: settings.allowNamedServers,
    start,
    stop,
    remove,
    create,
    whileStopped,
    state,
    check,
    settled,
    events: (key, options) => serverEvents(context, key, options),
    logs: async (key, lines) => (await spawner.logs?.(key, (await findServer(database, key))?.state, lines)) ?? '',
    optionsForm: async (user, signal) => spawner.options?.(user, signal),
    checkNamedServer: (user, name, displayName, options) => checkNamedServer(context, user, name, displayName, options),
    recover,
    stopAll,
    close,
  }
}

/** A spawner or hook that hangs must not keep the hub from closing. */
async function withinGrace(tasks: ReadonlySet<Promise<unknown>>): Promise<void> {
  const graceOver = new AbortController()
  const grace = sleep(CLOSE_GRACE_MS, undefined, { signal: graceOver.signal }).catch(() => {})
  await Promise.race([Promise.allSettled(tasks), grace])
  graceOver.abort()
}

function pendingStop(key: ServerKey): HubError {
  return new HubError('server_stopping', {
    status: 400,
    message: `${serverKeyText(key)} is pending stop`,
    nextStep: 'Wait until it is stopped, then start it again.',
  })
}

function stillActive(key: ServerKey): HubError {
  return new HubError('server_active', {
    status: 400,
    message: `${serverKeyText(key)} is active. Please stop it before modifying it.`,
  })
}

function hubCloses(): HubError {
  return new HubError('hub_closing', { status: 503, message: 'The hub is being restarted. Try again in a moment.' })
}
