/** A wish that a server ends, or is deleted for good: put on record first, so that it is done whatever happens. */
import { randomUUID } from 'node:crypto'
import type { Reason } from '../core/reason.ts'
import type { ServerKey } from '../core/server-key.ts'
import type { SpawningContext } from './context.ts'
import { dismantle, removeForGood } from './dismantle.ts'
import { readState, stateOf } from './inspect-server.ts'
import { stoppedReason } from './reasons.ts'
import { recordStop } from './run-store.ts'
import { findServer, type ServerRow } from './server-row.ts'
import { type HeldServer, holdServer } from './spawn-lease.ts'
import { whileStopped } from './while-stopped.ts'

const SHORTEST_PAUSE_MS = 50
const LONGEST_PAUSE_MS = 1_000

export interface StopRequest {
  /** Kill at once. */
  readonly now?: boolean
  /** Name of the user or service that asks. */
  readonly by: string
  /** Told to the user instead of "stopped by ...": culled, blocked ... */
  readonly reason?: Reason
}

/** See `Spawning.stop`. */
export async function requestStop(
  context: SpawningContext,
  key: ServerKey,
  { now, by, reason }: StopRequest,
): Promise<'stopped' | 'stopping'> {
  const { database, clock, log, signals } = context
  const server = await findServer(database, key)
  if (!server) return 'stopped'
  const { phase } = stateOf(context, server)
  if (phase === 'stopping') return 'stopping'
  const why = reason ?? stoppedReason(by, key.user)
  if (!(await recordStop(database, server, randomUUID(), why, clock.now()))) return 'stopped'
  log.info({ ...key, by, reason: why.code }, 'stopping server')
  signals.notify(server.spawnerId)
  context.goOn(finishStop(context, server, now ?? false))
  return 'stopping'
}

/** Whoever holds the lease does it; if that is nobody, it is us. */
async function finishStop(context: SpawningContext, { key, spawnerId }: ServerRow, now: boolean): Promise<void> {
  const { closing, signals, log } = context
  try {
    let pauseMs = SHORTEST_PAUSE_MS
    while (!closing.aborted) {
      const held = await holdServer(context, key)
      if (held) return await finishHeld(context, held, spawnerId, now)
      await signals.wait(spawnerId, pauseMs, closing)
      if ((await readState(context, key)).phase !== 'stopping') return
      pauseMs = Math.min(pauseMs * 1.5, LONGEST_PAUSE_MS)
    }
  } catch (error) {
    if (!closing.aborted) log.error({ ...key, err: error }, 'stop is not finished; it is tried again')
  }
}

async function finishHeld(context: SpawningContext, held: HeldServer, spawnerId: number, now: boolean): Promise<void> {
  try {
    const { phase } = await readState(context, held.key)
    if (phase === 'stopping') await dismantle(context, held, spawnerId, { now, isLast: true })
  } finally {
    await held.release()
    context.signals.notify(spawnerId)
  }
}

/** See `Spawning.remove`. */
export async function requestRemoval(
  context: SpawningContext,
  key: ServerKey,
  { by }: { by: string },
): Promise<'removed' | 'stopping'> {
  const { database } = context
  const server = await findServer(database, key)
  if (!server) return 'removed'
  const reason: Reason = { code: 'removed', message: 'This server was deleted.' }
  if ((await requestStop(context, key, { by, reason })) === 'stopping') {
    // Also when it was being stopped already: the end of a stop looks at this.
    const { numUpdatedRows } = await database.db
      .updateTable('orrery_runs')
      .set({ reason_code: reason.code, reason_message: reason.message })
      .where('spawner_id', '=', server.spawnerId)
      .where('phase', '=', 'stopping')
      .executeTakeFirst()
    if (numUpdatedRows > 0n) return 'stopping'
    // It was stopped in between; if that was our own stop, it is deleted already.
    if (!(await findServer(database, key))) return 'removed'
  }
  await whileStopped(context, key, (held, latest) => removeForGood(context, held, latest))
  return 'removed'
}
