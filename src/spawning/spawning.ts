/**
 * Starts, follows and stops servers. Everything it knows is in the database: any hub can answer for any server, and a
 * hub that is killed loses none.
 */
import { setTimeout as sleep } from 'node:timers/promises'
import { background, type Json } from '../core/runtime.ts'
import type { ServerKey } from '../core/server-key.ts'
import type { ProgressEvent, ServerState } from '../core/server-state.ts'
import type { OptionsForm, UserRecord } from '../plugin/spawner.ts'
import { type SpawningContext, type SpawningDeps, withDefaults } from './context.ts'
import { freeLeasesOfTheDead } from './dead-holders.ts'
import { startExpectation } from './expect-start.ts'
import { type FollowedLogs, followedLogs } from './follow-log.ts'
import { checkServer, pollReady, readState, settledState } from './inspect-server.ts'
import { each, type PollOutcome, pollServers } from './poll-loop.ts'
import { profilesForm } from './profiles/profiles-form.ts'
import { readUsage, type UsedByServer } from './read-usage.ts'
import { recoverServer } from './recover.ts'
import { createServer, requestStart, type StartRequest } from './request-start.ts'
import { requestRemoval, requestStop, type StopRequest } from './request-stop.ts'
import { serverChanges } from './server-changes.ts'
import { serverEvents } from './server-events.ts'
import { keepsLogs, lastLinesOf, wholeLog } from './server-log.ts'
import { activeServers, findServer, type ServerRow, userRecord } from './server-row.ts'
import { checkNamedServer } from './server-rows.ts'
import { createSignals } from './signals.ts'
import type { HeldServer } from './spawn-lease.ts'
import { whileStopped } from './while-stopped.ts'

export type { StartRequest, StopRequest, UsedByServer }

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
  /** As `check`, and tells what the spawner said: `unknown` also when nothing is known to run. */
  poll(key: ServerKey): Promise<PollOutcome>
  /** Waits until nothing is pending, at most `timeoutMs`. */
  settled(key: ServerKey, timeoutMs: number, signal?: AbortSignal): Promise<ServerState>
  /** The story of the latest start, then what is still to come; the last event is `ready` or `failed`. */
  events(key: ServerKey, options?: { afterId?: number; signal?: AbortSignal }): AsyncIterable<ProgressEvent>
  /** First an empty list, then rows of all servers as their states change, at whichever hub, until `signal` aborts. */
  changes(signal: AbortSignal): AsyncIterable<readonly ServerRow[]>
  /** The last lines of the server's log, secrets masked; empty when its spawner keeps none. */
  logs(key: ServerKey, lines: number): Promise<string>
  /** False where the spawner keeps no logs: there is nothing to offer. */
  readonly keepsLogs: boolean
  /** The log of the latest run as far as it is kept, secrets masked. */
  wholeLog(key: ServerKey, signal: AbortSignal): AsyncIterable<string>
  readonly followLog: FollowedLogs['follow']
  /** What every server that is ready uses now, as far as the spawner tells; and how many are ready. */
  usage(signal: AbortSignal): Promise<{ running: number; used: readonly UsedByServer[] }>
  /** They look at a page from which they can start a server: what takes long is done beforehand, in the background. */
  expectStart(user: string): void
  optionsForm(key: ServerKey, signal: AbortSignal): Promise<OptionsForm | undefined>
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

const CLOSE_GRACE_MS = 5_000

export function createSpawning(deps: SpawningDeps): Spawning {
  const closing = new AbortController()
  const tasks = new Set<Promise<void>>()
  const context: SpawningContext = {
    hooks: {},
    observer: {},
    ...deps,
    settings: withDefaults(deps.settings),
    signals: createSignals(),
    closing: closing.signal,
    delicate: new Set(),
    failures: { inARow: 0 },
    goOn(task) {
      tasks.add(task)
      background(
        task.finally(() => tasks.delete(task)),
        'spawning',
        deps.log,
      )
    },
  }
  const { database, spawner, settings, log } = context
  const changes = serverChanges(context)
  let isRecovered = false

  async function recover(): Promise<void> {
    await freeLeasesOfTheDead(database, context.holder, log)
    const servers = await activeServers(database)
    if (servers.length > 0) log.info({ servers: servers.length }, 'looking after servers of before')
    const isPending = ({ run }: ServerRow) => run?.phase === 'spawning' || run?.phase === 'stopping'
    // A start may take minutes yet, and nobody should wait for a page meanwhile.
    context.goOn(each(servers.filter(isPending), server => recoverServer(context, server)))
    await each(
      servers.filter(server => !isPending(server)),
      server => recoverServer(context, server),
    )
    if (!isRecovered) context.goOn(pollServers(context))
    isRecovered = true
  }

  async function stopAll({
    timeoutMs = settings.stopTimeoutMs * 2,
    ...request
  }: StopRequest & { timeoutMs?: number }): Promise<void> {
    const deadline = Date.now() + timeoutMs
    const stopEach = async () =>
      each(await activeServers(database), async ({ key }) => {
        await requestStop(context, key, request)
        await settledState(context, key, deadline - Date.now())
      })
    await stopEach()
    // What could not be stopped, for its launcher was killed just then, is tried once more.
    await stopEach()
  }

  async function close(): Promise<void> {
    // A spawner that is just making something may write it down first.
    await withinGrace(context.delicate)
    closing.abort()
    await withinGrace(tasks)
  }

  return {
    allowsNamedServers: settings.allowNamedServers,
    start: (key, request) => requestStart(context, key, request),
    stop: (key, request) => requestStop(context, key, request),
    remove: (key, request) => requestRemoval(context, key, request),
    create: (key, init) => createServer(context, key, init),
    whileStopped: (key, change) => whileStopped(context, key, change),
    state: key => readState(context, key),
    check: key => checkServer(context, key),
    poll: async key => (await pollReady(context, key)).outcome,
    settled: (key, timeoutMs, signal) => settledState(context, key, timeoutMs, signal),
    events: (key, options) => serverEvents(context, key, options),
    changes: signal => changes.follow(signal),
    logs: (key, lines) => lastLinesOf(context, key, lines),
    keepsLogs: keepsLogs(context),
    wholeLog: (key, signal) => wholeLog(context, key, signal),
    followLog: followedLogs(context).follow,
    usage: signal => readUsage(context, AbortSignal.any([signal, closing.signal])),
    expectStart: startExpectation(context),
    async optionsForm(key, signal) {
      const user = await userRecord(database, key.user)
      if (!user) return undefined
      const last = (await findServer(database, key))?.options
      if (context.profiles?.length) return profilesForm(context.profiles, user, last)
      return context.optionsForm ? context.optionsForm(user, signal, last) : spawner.options?.(user, signal, last)
    },
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
