import { sql } from 'kysely'
import type { Clock } from '../../core/runtime.ts'
import { compiledQuery } from '../../db/compiled-query.ts'
import type { Db } from '../../db/database.ts'
import { fromDbTime, toDbTime } from '../../db/db-time.ts'
import type { Subject } from './throttle-subjects.ts'

/** How many failed tries are too many. */
export interface ThrottleLimits {
  /** Failed tries for one name before it is locked. */
  readonly failures: number
  /** The same for one address, which many people may share. Default four times `failures`. */
  readonly addressFailures?: number
  /** For how long a failed try counts. */
  readonly windowMs: number
  /** For how long a subject is locked. */
  readonly lockMs: number
}

/**
 * Counts failed tries in the database, so that they outlive a restart and all hubs agree. A try is counted before it
 * is made: however many come at once, no more than the limit are let through. The key is a text; whether such a user
 * exists plays no part.
 */
export interface Throttle {
  /** Counts a try of all subjects; when one of them is locked, counts none and tells how long to wait. */
  begin(subjects: readonly Subject[]): Promise<{ retryAfter: number } | undefined>
  /** The try failed: locks those that have reached their limit. */
  failed(subjects: readonly Subject[]): Promise<void>
  /** The try was none after all (a provider that is down, or it succeeded): not counted. */
  takeBack(subjects: readonly Subject[]): Promise<void>
  /** Forgets all failures of a subject. */
  clear(subject: Subject): Promise<void>
}

/** Rows of which nothing counts any more are removed after this many tries. */
const PRUNE_EVERY = 200

export function createThrottle(db: Db, limits: ThrottleLimits, clock: Clock): Throttle {
  let tries = 0
  return { begin, failed, takeBack, clear }

  async function begin(subjects: readonly Subject[]): Promise<{ retryAfter: number } | undefined> {
    if (++tries % PRUNE_EVERY === 0) await prune()
    const counted: Subject[] = []
    for (const subject of subjects) {
      const lockedUntil = await count(subject)
      if (lockedUntil) {
        await takeBack(counted)
        return { retryAfter: Math.max(1, Math.ceil((lockedUntil.getTime() - clock.now().getTime()) / 1000)) }
      }
      counted.push(subject)
    }
    return undefined
  }

  /** Until when it is locked; undefined when the try may be made. */
  async function count({ key, limit }: Subject): Promise<Date | undefined> {
    const now = clock.now()
    const [nowText, windowStart, lockEnd] = [0, -limits.windowMs, limits.lockMs].map(ms => later(now, ms))
    const [row] = await countTry(db, key, nowText!, windowStart!)
    if (!row) throw new Error('a counted try came back without its row')
    if (row.locked_until !== null) return fromDbTime(row.locked_until)
    if (row.failures <= limit) return undefined
    // More came at once than may be tried; those in flight will fail or clear the count.
    await lock(key, lockEnd!)
    return fromDbTime(lockEnd!)
  }

  async function failed(subjects: readonly Subject[]): Promise<void> {
    const lockEnd = later(clock.now(), limits.lockMs)
    for (const { key, limit } of subjects) {
      const row = await db
        .selectFrom('orrery_login_failures')
        .select('failures')
        .where('subject', '=', key)
        .executeTakeFirst()
      if (row && row.failures >= limit) await lock(key, lockEnd)
    }
  }

  async function lock(key: string, until: string): Promise<void> {
    await db
      .updateTable('orrery_login_failures')
      .set({ locked_until: until })
      .where('subject', '=', key)
      .where('locked_until', 'is', null)
      .execute()
  }

  async function takeBack(subjects: readonly Subject[]): Promise<void> {
    for (const { key } of subjects) {
      await takeOneBack(db, key)
    }
  }

  async function clear({ key }: Subject): Promise<void> {
    await forget(db, key)
  }

  async function prune(): Promise<void> {
    const now = clock.now()
    await db
      .deleteFrom('orrery_login_failures')
      .where('last_failure', '<', later(now, -limits.windowMs))
      .where(eb => eb.or([eb('locked_until', 'is', null), eb('locked_until', '<', toDbTime(now))]))
      .execute()
  }
}

/** One statement, so that tries at the same moment are all counted. Times are database times. */
const countTry = compiledQuery((db, key: string, now: string, windowStart: string) => {
  const query = sql<{ failures: number; locked_until: string | null }>`
    insert into orrery_login_failures as f (subject, failures, last_failure, locked_until)
    values (${key}, 1, ${now}, null)
    on conflict (subject) do update set
      failures = case
        when f.locked_until > ${now} then f.failures
        when f.locked_until is not null or f.last_failure <= ${windowStart} then 1
        else f.failures + 1 end,
      last_failure = case when f.locked_until > ${now} then f.last_failure else excluded.last_failure end,
      locked_until = case when f.locked_until > ${now} then f.locked_until else null end
    returning failures, locked_until`
  return { compile: () => query.compile(db) }
})

const takeOneBack = compiledQuery((db, key: string) =>
  db
    .updateTable('orrery_login_failures')
    .set(eb => ({ failures: eb('failures', '-', 1) }))
    .where('subject', '=', key)
    .where('failures', '>', 0),
)

const forget = compiledQuery((db, key: string) => db.deleteFrom('orrery_login_failures').where('subject', '=', key))

function later(now: Date, ms: number): string {
  return toDbTime(new Date(now.getTime() + ms))
}
