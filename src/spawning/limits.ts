/** How many servers may start, and be, at the same time: counted in the database, so over all hubs. */
import { sql } from 'kysely'
import { HubError } from '../core/errors.ts'
import { SERVER_REASONS } from '../core/server-reasons.ts'
import { activeSpawners } from '../db/active-spawners.ts'
import { compiledQuery } from '../db/compiled-query.ts'
import type { DbTransaction } from '../db/database.ts'
import type { SpawningContext } from './context.ts'

/** Throws HubError 429 with the words and the `Retry-After` of JupyterHub. */
export async function checkLimits(tx: DbTransaction, context: SpawningContext): Promise<void> {
  const { concurrentSpawnLimit, activeServerLimit, retryAfterSeconds } = context.settings
  if (concurrentSpawnLimit <= 0 && activeServerLimit <= 0) return
  // Two hubs must not both see the last free place. SQLite has one writer at a time anyway.
  if (context.database.dialect === 'postgres') await sql`select pg_advisory_xact_lock(${LIMITS_LOCK})`.execute(tx)
  if (concurrentSpawnLimit > 0 && (await countSpawning(tx)) >= concurrentSpawnLimit) {
    throw tooManyStarts(retryAfterSeconds)
  }
  const active = activeServerLimit > 0 ? await countActive(tx) : 0
  if (activeServerLimit > 0 && active >= activeServerLimit) {
    throw new HubError('too_many_servers', {
      status: 429,
      message: 'Active user limit exceeded. Try again in a few minutes.',
      nextStep: SERVER_REASONS.too_many_servers.person,
      detail: { active, activeServerLimit },
    })
  }
}

/** Being started now. */
async function countSpawning(tx: DbTransaction): Promise<number> {
  const [row] = await spawningCount(tx)
  return Number(row!.n) // a count is one row
}

/** Running, starting or stopping. */
async function countActive(tx: DbTransaction): Promise<number> {
  const [row] = await activeCount(tx)
  return Number(row!.n) // as above
}

const spawningCount = compiledQuery(db =>
  db
    .selectFrom('orrery_runs')
    .select(({ fn }) => fn.count<number>('spawner_id').as('n'))
    .where('phase', '=', 'spawning'),
)

const activeCount = compiledQuery(db =>
  db
    .selectFrom(activeSpawners(db, ['spawning', 'stopping']).as('active'))
    .select(({ fn }) => fn.count<number>('active.id').distinct().as('n')),
)

/** Any number, the same in every hub. */
const LIMITS_LOCK = 0x6f726c69

// Spread, so that those who were turned away do not all come back at once.
function tooManyStarts([from, to]: readonly [number, number]): HubError {
  const retryAfter = Math.floor(from + Math.random() * (to - from))
  const words = retryAfter <= 90 ? `${Math.ceil(retryAfter / 10)}0 seconds` : `${Math.round(retryAfter / 60)} minutes`
  return new HubError('too_many_starts', {
    status: 429,
    message: `Too many users trying to log in right now. Try again in ${words}.`,
    nextStep: SERVER_REASONS.too_many_starts.person,
    headers: { 'Retry-After': `${retryAfter}` },
  })
}
