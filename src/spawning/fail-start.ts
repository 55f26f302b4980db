/** The other end of a start: why it failed is found and kept, then everything is taken apart. */
import { HubError } from '../core/errors.ts'
import { LOOKED_THROUGH } from '../core/log-symptoms.ts'
import { readableLog } from '../core/mask-secrets.ts'
import { type Reason, SpawnError } from '../core/reason.ts'
import type { SpawningContext } from './context.ts'
import { dismantle } from './dismantle.ts'
import { Interruption, isTold, reasonOf, settledReason } from './reasons.ts'
import type { RunKey } from './run-store.ts'
import { findServerById } from './server-row.ts'
import type { HeldServer } from './spawn-lease.ts'

/** Never rejects. Returns the reason's code, for metrics. */
export async function failStart(
  context: SpawningContext,
  held: HeldServer,
  run: RunKey,
  error: unknown,
): Promise<string> {
  const { log } = context
  const { key } = held
  if (isLeftToOthers(error)) {
    // Whoever owns the lease next finds all that was made in the database, and goes on from there.
    log.info({ ...key, why: (error as { code: string }).code }, 'start left to another hub') // both kinds have a code
    return 'handed_over'
  }
  const wasStopped = error instanceof Interruption
  const reason = wasStopped ? undefined : await withLogTail(context, held, run.spawnerId, reasonOf(error))
  if (reason) logFailure(context, held, reason, error)
  else log.info({ ...key }, 'start interrupted by stop')
  try {
    await dismantle(context, held, run.spawnerId, {
      ...(reason && { end: { phase: 'failed', reason, failedStart: true } }),
    })
  } catch (fault) {
    log.error({ ...key, err: fault }, 'failed start could not be cleared away; it is tried again')
  }
  if (reason) countFailure(context, error)
  return reason?.code ?? 'stop_requested'
}

function isLeftToOthers(error: unknown): boolean {
  if (error instanceof Interruption) return error.code === 'lease_lost' || error.code === 'hub_closing'
  return error instanceof HubError && error.code === 'lease_lost'
}

function logFailure({ log }: SpawningContext, { key }: HeldServer, reason: Reason, error: unknown): void {
  const fields = { ...key, reason: reason.code, detail: error instanceof HubError ? error.detail : undefined }
  const cause = error instanceof Error && error.cause !== undefined ? { err: error.cause } : {}
  if (isTold(error)) log.warn({ ...fields, ...cause, message: reason.message }, 'server failed to start')
  else log.error({ ...fields, err: error }, 'server failed to start')
}

/** What the user asked for wrongly says nothing of the hub's health. */
function countFailure({ failures, settings, hooks }: SpawningContext, error: unknown): void {
  if ((error instanceof SpawnError || error instanceof HubError) && error.status < 500) return
  failures.inARow += 1
  const limit = settings.consecutiveFailureLimit
  if (limit > 0 && failures.inARow >= limit) hooks.onTooManyFailures?.(failures.inARow)
}

const LOG_TIMEOUT_MS = 3_000

/** Adds the end of the server's log, unless the reason brings its own; secrets masked. One that cannot be read is left out. */
export async function withLogTail(
  context: SpawningContext,
  { key }: Pick<HeldServer, 'key'>,
  spawnerId: number,
  reason: Reason,
): Promise<Reason> {
  const { spawner, database } = context
  if (reason.logTail !== undefined) return settledReason(reason, readableLog(reason.logTail))
  if (!spawner.logs) return settledReason(reason, '')
  const state = (await findServerById(database, spawnerId).catch(() => undefined))?.state
  const tail = await Promise.race([
    spawner.logs(key, state, LOOKED_THROUGH).catch(() => ''),
    new Promise<string>(resolve => setTimeout(resolve, LOG_TIMEOUT_MS, '').unref()),
  ])
  return settledReason(reason, readableLog(tail))
}
