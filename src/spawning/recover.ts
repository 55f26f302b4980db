/**
 * Brings one server in order that nobody works on: after a restart of the hub, after the death of another hub, or
 * because the released JupyterHub started it. What runs goes on running; what was half-way is finished or cleared away.
 */
import { randomUUID } from 'node:crypto'
import { exitReason } from '../core/exit-reason.ts'
import { serverPath } from '../core/names.ts'
import { SpawnError } from '../core/reason.ts'
import { fromDbTime } from '../db/db-time.ts'
import type { Exit } from '../plugin/spawner.ts'
import { askServer } from './ask-server.ts'
import { becomeReady, ownsAddress } from './become-ready.ts'
import type { SpawningContext } from './context.ts'
import { revokeCredentials } from './credentials.ts'
import { dismantle } from './dismantle.ts'
import { failStart, withLogTail } from './fail-start.ts'
import { progressWriter } from './progress-writer.ts'
import { hubRestarted, notOurServer } from './reasons.ts'
import { adoptRun, closeRun } from './run-store.ts'
import { findServerById, type RunRow, type ServerRow, userRecord } from './server-row.ts'
import { type HeldServer, holdServer } from './spawn-lease.ts'
import { startServer } from './start-server.ts'
import { watchForStop } from './watch-for-stop.ts'

/** Does nothing when somebody works on it already. Never rejects. */
export async function recoverServer(context: SpawningContext, { key, spawnerId }: ServerRow): Promise<void> {
  const { log, database } = context
  let held: HeldServer | undefined
  try {
    held = await holdServer(context, key)
    if (!held) return
    const server = await findServerById(database, spawnerId)
    if (server) await putInOrder(context, held, server)
  } catch (error) {
    if (held?.gone.aborted) log.info({ ...key }, 'recovery left to another hub')
    else log.error({ ...key, err: error }, 'server could not be brought in order; it is tried again')
  } finally {
    await held?.release().catch(error => log.warn({ ...key, err: error }, 'lease could not be given up'))
    context.signals.notify(spawnerId)
  }
}

async function putInOrder(context: SpawningContext, held: HeldServer, server: ServerRow): Promise<void> {
  const { run } = server
  if (run?.phase === 'stopping') {
    context.log.info({ ...held.key }, 'finishing a stop')
    await dismantle(context, held, server.spawnerId)
  } else if (run?.phase === 'spawning' && server.state === undefined && isYoung(context, run)) {
    await beginAgain(context, held, server, run)
  } else if (run?.phase === 'spawning') await finishStart(context, held, server)
  else if (server.address) await checkRunning(context, held, server)
  else if (run?.phase === 'ready') {
    // The released JupyterHub stopped it while it had the database.
    await held.write(tx =>
      closeRun(tx, server, { phase: 'stopped', reason: undefined, failedStart: false }, context.clock.now()),
    )
  }
}

/** Somebody still waits for it. */
function isYoung({ clock, settings }: SpawningContext, run: RunRow): boolean {
  return clock.now().getTime() - fromDbTime(run.since).getTime() < settings.startTimeoutMs
}

/** A start of which the spawner has put nothing on record: it begins again with what was asked for. */
async function beginAgain(context: SpawningContext, held: HeldServer, server: ServerRow, run: RunRow): Promise<void> {
  const user = await userRecord(context.database, held.key.user)
  if (!user) return
  context.log.info({ ...held.key }, 'start begins again')
  await held.write(tx => revokeCredentials(tx, server, context.environment.baseUrl))
  context.access.tokensRevoked?.()
  await startServer(context, held, {
    run: { spawnerId: server.spawnerId, runId: run.runId },
    user,
    options: server.options,
  })
}

/** A start that was left half-way: with state and address the wait goes on, else what is there is cleared away. */
async function finishStart(context: SpawningContext, lease: HeldServer, server: ServerRow): Promise<void> {
  const { log, spawner, settings } = context
  const run = { spawnerId: server.spawnerId, runId: server.run!.runId } // it is spawning, so there is a run
  const watch = watchForStop(context, lease, run)
  const progress = progressWriter(context, lease, run)
  const { held } = progress
  const startedAt = performance.now()
  try {
    if (server.state === undefined) throw new SpawnError(hubRestarted)
    const exit = await spawner.poll(held.key, server.state, held.gone)
    if (exit) throw new SpawnError(exitReason(exit, 'starting'))
    const isStored = server.address !== undefined
    // From the state: the start was cut short before the address was written down.
    const address = server.address ?? (await spawner.address?.(held.key, server.state, held.gone))
    if (!address) throw new SpawnError(hubRestarted)
    log.info({ ...held.key }, 'finishing a start')
    // Without a stored address it was still inside `start`, which may take its own time.
    const timeoutMs = settings.httpTimeoutMs + (isStored ? 0 : settings.startTimeoutMs)
    const started = { run, address, state: server.state, isStored, timeoutMs }
    await becomeReady(context, held, started, watch.signal, progress.add)
    log.info({ ...held.key, ms: Math.round(performance.now() - startedAt) }, 'server ready')
  } catch (error) {
    await progress.end().catch(() => {}) // as in `startServer`
    await failStart(context, held, run, watch.signal.aborted ? watch.signal.reason : error)
  } finally {
    watch.end()
  }
}

/** A server that should be running: still there keeps its rows, and by them its route; gone is cleared away. */
async function checkRunning(context: SpawningContext, held: HeldServer, server: ServerRow): Promise<void> {
  const { spawner, log, environment } = context
  const { key } = held
  const address = server.address! // the caller has looked
  const state = server.state ?? {}
  const exit = await spawner.poll(key, state, held.gone)
  if (exit) return clearDead(context, held, server, exit)
  if (!(await ownsAddress(context, held, state, address, held.gone))) {
    log.warn({ ...key, address }, 'something else answers where the server should be')
    await dismantle(context, held, server.spawnerId, {
      end: { phase: 'failed', reason: notOurServer, failedStart: false },
    })
    return
  }
  if (server.run?.reasonCode === 'stop_failed') {
    await dismantle(context, held, server.spawnerId)
    return
  }
  const prefix = serverPath(key, environment.baseUrl)
  const answer = await askServer(address, {
    path: `${prefix}api`,
    timeoutMs: ASK_TIMEOUT_MS,
    signal: held.gone,
    tls: context.tls?.connectTo(key),
  })
  // Its process lives. JupyterHub would stop a server that is slow to answer now; a person's work is worth more.
  if (!answer) log.warn({ ...key, address }, 'server runs but does not answer')
  if (server.run?.phase !== 'ready') await held.write(tx => adoptRun(tx, server, randomUUID()))
  log.info({ ...key }, 'server still running')
}

const ASK_TIMEOUT_MS = 5_000

/** A server that ended by itself. */
export async function clearDead(
  context: SpawningContext,
  held: HeldServer,
  server: ServerRow,
  exit: Exit,
): Promise<void> {
  const told = exitReason(exit, 'running')
  const reason = await withLogTail(context, held, server.spawnerId, told)
  context.log.warn({ ...held.key, ...exit, code: reason.code }, 'server ended by itself')
  // A stop that failed before, and a server that is gone now: it is what the person asked for.
  const phase = told.code === 'server_shut_down' || server.run?.reasonCode === 'stop_failed' ? 'stopped' : 'failed'
  await dismantle(context, held, server.spawnerId, { ended: true, end: { phase, reason, failedStart: false } })
}
