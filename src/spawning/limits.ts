/** How many servers may start, and be, at the same time: counted in the database, so over all hubs. */
import { sql } from 'kysely'
import { HubError } from '../core/errors.ts'
import type { DbTransaction } from '../db/database.ts'
import type { SpawningContext } from './context.ts'

export interface ServerCounts {
  /** Being started now. */
  readonly spawning: number
  /** Running, starting or stopping. */
  readonly active: number
}

/** Throws HubError 429 with the words and the `Retry-After` of JupyterHub. */
export async function checkLimits(tx: DbTransaction, context: SpawningContext): Promise<void> {
  const { concurrentSpawnLimit, activeServerLimit, retryAfterSeconds } = context.settings
  if (concurrentSpawnLimit <= 0 && activeServerLimit <= 0) return
  // Two hubs must not both see the last free place. SQLite has one writer at a time anyway.
  if (context.database.dialect === 'postgres') await sql`select pg_advisory_xact_lock(${LIMITS_LOCK})`.execute(tx)
  const { spawning, active } = await countServers(tx)
  if (concurrentSpawnLimit > 0 && spawning >= concurrentSpawnLimit) throw tooManyStarts(retryAfterSeconds)
  if (activeServerLimit > 0 && active >= activeServerLimit) {
    throw new HubError('too_many_servers', {
      status: 429,
      message: 'Active user limit exceeded. Try again in a few minutes.',
      detail: { active, activeServerLimit },
    })
  }
}

export async function countServers(tx: DbTransaction): Promise<ServerCounts> {
  const { count } = tx.fn
  const spawning = await tx
    .selectFrom('orrery_runs')
    .select(count<number>('spawner_id').as('n'))
    .where('phase', '=', 'spawning')
    .executeTakeFirstOrThrow()
  const active = await tx
    .selectFrom('spawners')
    .leftJoin('orrery_runs', 'orrery_runs.spawner_id', 'spawners.id')
    .select(count<number>('spawners.id').as('n'))
    .where(where => where.or([where('server_id', 'is not', null), where('phase', 'in', ['spawning', 'stopping'])]))
    .executeTakeFirstOrThrow()
  return { spawning: Number(spawning.n), active: Number(active.n) }
}

/** Any number, the same in every hub. */
const LIMITS_LOCK = 0x6f726c69

// Spread, so that those who were turned away do not all come back at once.
function tooManyStarts([from, to]: readonly [number, number]): HubError {
  const retryAfter = Math.floor(from + Math.random() * (to - from))
  const words = retryAfter <= 90 ? `${Math.ceil(retryAfter / 10)}0 seconds` : `${Math.round(retryAfter / 60)} minutes`
  return new HubError('too_many_starts', {
    status: 429,
    message: `Too many users trying to log in right now. Try again in ${words}.`,
    headers: { 'Retry-After': `${retryAfter}` },
  })
}
