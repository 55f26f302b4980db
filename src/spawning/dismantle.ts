/**
 * Takes a server apart in the reverse order of its start: route, process, address, secrets, state. It goes by what the
 * database holds, not by what this process remembers, so it also clears away what a killed hub left. May run twice.
 */
import { timedAbort } from '../core/linked-abort.ts'
import { serverRoute } from '../core/subdomains.ts'
import type { DbTransaction } from '../db/database.ts'
import type { SpawningContext } from './context.ts'
import { revokeCredentials } from './credentials.ts'
import { stopFailed } from './reasons.ts'
import { closeRun, endRun, type RunEnd } from './run-store.ts'
import { findServerById, type ServerRow, userRecord } from './server-row.ts'
import { runReason } from './server-state.ts'
import type { HeldServer } from './spawn-lease.ts'

export interface Dismantling {
  readonly now?: boolean
  /** The process is known to be gone: a spawner that cannot clear up after it keeps nobody. */
  readonly ended?: boolean
  /** Nothing follows it under this lease, which is given up together with the last write. */
  readonly isLast?: boolean
  /** How the run ended; a stop that was asked for tells its own reason. */
  readonly end?: RunEnd
}

/** `kept` when the spawner could not stop it: address and state stay, so that it can be tried again. */
export async function dismantle(
  context: SpawningContext,
  held: HeldServer,
  spawnerId: number,
  how: Dismantling = {},
): Promise<'gone' | 'kept'> {
  const { database, routes, environment, clock, signals, log, observer } = context
  const { key } = held
  const startedAt = performance.now()
  const server = await findServerById(database, spawnerId)
  if (!server) return 'gone'

  await routes.remove(serverRoute(key, environment))
  const fault = await stopProcess(context, held, server, how)
  if (fault) {
    log.error({ ...key, err: fault }, 'server could not be stopped')
    await held.write(tx =>
      closeRun(tx, server, { phase: 'failed', reason: stopFailed, failedStart: false }, clock.now()),
    )
    signals.notify(spawnerId)
    observer.stopped?.(key, stopFailed.code, performance.now() - startedAt, how.end === undefined)
    return 'kept'
  }

  let end: RunEnd = decideEnd(server, how)
  const writeEnd = async (tx: DbTransaction) => {
    // Read anew: Stop may have been pressed since.
    const latest = (await findServerById({ db: tx }, spawnerId)) ?? server
    end = decideEnd(latest, how)
    await revokeCredentials(tx, latest, environment.baseUrl)
    await endRun(tx, latest, end, clock.now())
    return end.reason?.code === 'removed' ? undefined : true
  }
  await (how.isLast && !context.hooks.afterStop ? held.finish(writeEnd) : held.write(writeEnd))
  context.access.tokensRevoked?.()
  await runAfterStop(context, held)
  if (end.reason?.code === 'removed') await removeForGood(context, held, server)
  signals.notify(spawnerId)
  log.info({ ...key, reason: end.reason?.code, ms: Math.round(performance.now() - startedAt) }, 'server is gone')
  observer.stopped?.(key, end.reason?.code ?? 'success', performance.now() - startedAt, end !== how.end)
  return 'gone'
}

/** Also what outlives a server: volumes and the like, and the row itself. The server does not run. */
export async function removeForGood(context: SpawningContext, held: HeldServer, server: ServerRow): Promise<void> {
  const { spawner, log } = context
  const { key } = held
  await spawner.forget?.(key, server.state ?? {}).catch(error => {
    log.error({ ...key, err: error }, 'what belongs to a deleted server could not be removed')
  })
  await held.write(tx => tx.deleteFrom('spawners').where('id', '=', server.spawnerId).execute())
  log.info({ ...key }, 'server deleted')
}

/** Undefined when it is gone. What interrupts the hub is thrown on. */
async function stopProcess(
  { spawner, settings }: SpawningContext,
  { key, gone }: HeldServer,
  server: ServerRow,
  { now = false, ended = false }: Dismantling,
): Promise<unknown> {
  // Nothing was made, or the spawner would have written it down.
  if (server.state === undefined && server.serverId === undefined) return undefined
  const timeoutMs = settings.stopTimeoutMs
  const timed = timedAbort(timeoutMs + STOP_GRACE_MS, gone)
  try {
    await spawner.stop(key, server.state ?? {}, { now, timeoutMs, signal: timed.signal })
    return undefined
  } catch (error) {
    gone.throwIfAborted()
    return ended ? undefined : error
  } finally {
    timed.unlink()
  }
}

/** On top of the time a server has to end by itself. */
const STOP_GRACE_MS = 20_000

function decideEnd(server: ServerRow, how: Dismantling): RunEnd {
  const wasAskedFor = server.run?.phase === 'stopping'
  if (how.end && !wasAskedFor) return how.end
  return { phase: 'stopped', reason: server.run && runReason(server.run), failedStart: false }
}

async function runAfterStop({ hooks, database, log }: SpawningContext, { key }: HeldServer): Promise<void> {
  if (!hooks.afterStop) return
  try {
    const user = await userRecord(database, key.user)
    if (user) await hooks.afterStop(user, key.server)
  } catch (error) {
    log.error({ ...key, err: error }, 'hook after stop failed')
  }
}
