/**
 * Notices what nobody tells: servers that ended by themselves, and starts and stops whose hub died. Of several hubs one
 * polls at a time; the next takes over when it falls silent.
 */
import { setTimeout as sleep } from 'node:timers/promises'
import { acquireLease, type Lease } from '../db/leases.ts'
import type { SpawningContext } from './context.ts'
import { clearDead, recoverServer } from './recover.ts'
import { activeServers, findServerById, pendingServers, type ServerRow } from './server-row.ts'
import { holdServer } from './spawn-lease.ts'

/** Servers asked after at the same time. */
const CONCURRENCY = 10

/** Runs until the hub closes. Never rejects. */
export async function pollServers(context: SpawningContext): Promise<void> {
  const { closing, settings, log } = context
  let lease: Lease | undefined
  let nextPoll = performance.now() + jittered(settings)
  while (!closing.aborted) {
    const pauseMs = Math.min(nextPoll - performance.now(), settings.leaseTermMs)
    await sleep(Math.max(pauseMs, 0), undefined, { signal: closing }).catch(() => {})
    if (closing.aborted) break
    try {
      if (!lease || lease.lost.aborted) lease = await takePollLease(context)
      if (lease) await adoptOrphans(context)
      if (performance.now() < nextPoll) continue
      nextPoll = performance.now() + jittered(settings)
      if (lease) await pollAll(context)
    } catch (error) {
      log.error({ err: error }, 'polling failed; it is tried again')
      nextPoll = performance.now() + jittered(settings)
    }
  }
  await lease?.release().catch(() => {})
}

function takePollLease({ database, holder, settings }: SpawningContext): Promise<Lease | undefined> {
  return acquireLease(database, 'poll-servers', holder, settings.leaseTermMs)
}

/** So that hubs which were started together do not ask their schedulers together. */
function jittered({ pollIntervalMs, pollJitter }: SpawningContext['settings']): number {
  return pollIntervalMs * (1 + pollJitter * (Math.random() * 2 - 1))
}

/** Starts and stops whose lease is free although they are not done. */
async function adoptOrphans(context: SpawningContext): Promise<void> {
  await each(await pendingServers(context.database), server => recoverServer(context, server))
}

export async function pollAll(context: SpawningContext): Promise<void> {
  const servers = await activeServers(context.database)
  await each(
    servers.filter(server => server.address && server.run?.phase !== 'spawning' && server.run?.phase !== 'stopping'),
    server => pollServer(context, server),
  )
}

/** Whether a server runs, as its spawner says; `unknown` when that could not be found out, or does not hold any more. */
export type PollOutcome = 'running' | 'ended' | 'unknown'

/** Asks after one running server, and clears it away when it is gone. Never rejects. */
export async function pollServer(context: SpawningContext, server: ServerRow): Promise<PollOutcome> {
  const { spawner, log, closing, observer } = context
  const { key, spawnerId } = server
  const startedAt = performance.now()
  const observe = (outcome: PollOutcome) => observer.polled?.(outcome, performance.now() - startedAt)
  try {
    // A stop that failed is tried again.
    if (server.run?.reasonCode === 'stop_failed') {
      await recoverServer(context, server)
      return 'unknown'
    }
    const exit = await spawner.poll(key, server.state ?? {}, closing)
    observe(exit ? 'ended' : 'running')
    if (!exit) return 'running'
  } catch (error) {
    observe('unknown')
    if (!closing.aborted) log.warn({ ...key, err: error }, 'server could not be polled')
    return 'unknown'
  }
  const held = await holdServer(context, key).catch(() => undefined)
  if (!held) return 'unknown'
  try {
    // Asked again under the lease: it may have been stopped, or started anew, in between.
    const latest = await findServerById(context.database, spawnerId)
    const isSame = latest?.run?.runId === server.run?.runId && latest?.run?.phase === server.run?.phase
    const exit = latest?.address && isSame && (await spawner.poll(key, latest.state ?? {}, held.gone))
    if (exit) await clearDead(context, held, latest, exit)
    return exit ? 'ended' : 'unknown'
  } catch (error) {
    log.error({ ...key, err: error }, 'dead server could not be cleared away; it is tried again')
    return 'unknown'
  } finally {
    await held.release().catch(() => {})
    context.signals.notify(spawnerId)
  }
}

/** A few at a time. */
export async function each(
  servers: readonly ServerRow[],
  task: (server: ServerRow) => Promise<unknown>,
): Promise<void> {
  const queue = servers[Symbol.iterator]()
  const worker = async () => {
    for (const server of queue) await task(server)
  }
  await Promise.all(Array.from({ length: Math.min(CONCURRENCY, servers.length) }, worker))
}
