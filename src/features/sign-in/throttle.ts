import { sql } from 'kysely'
import type { Clock } from '../../core/runtime.ts'
import { compiledQuery } from '../../db/compiled-query.ts'
import type { Db } from '../../db/database.ts'
import { fromDbTime, toDbTime } from '../../db/db-time.ts'
import type { Subject, SubjectKind } from './throttle-subjects.ts'

/** How many failed tries are too many. */
export interface ThrottleLimits {
  /** Failed tries for one name before it is locked. */
  readonly failures: number
  /** The same for one address, which a whole class may share. */
  readonly addressFailures: number
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
  /** The try was none after all (a provider that is down, or it succeeded): not counted. `tries`: default one. */
  takeBack(subjects: readonly Subject[], tries?: number): Promise<void>
  /** The try succeeded: forgets all tries of `own`, and takes as many back of the others. */
  succeeded(own: Subject, others: readonly Subject[]): Promise<void>
  /** Those of one kind that are locked now, with the time until when, by their keys. */
  locked(kind: SubjectKind): Promise<ReadonlyMap<string, Date>>
}

/** Rows of which nothing counts any more are removed after this many tries. */
const PRUNE_EVERY = 200

export function createThrottle(db: Db, limits: Pick<ThrottleLimits, 'windowMs' | 'lockMs'>, clock: Clock): Throttle {
  let tries = 0
  return { begin, failed, takeBack, succeeded, locked }

  async function begin(subjects: readonly Subject[]): Promise<{ retryAfter: number } | undefined> {
    if (++tries % PRUNE_EVERY === 0) await prune()
    return db.transaction().execute(async tx => {
      const counted: Subject[] = []
      for (const subject of subjects) {
        const lockedUntil = await count(tx, subject)
        if (lockedUntil) {
          await takeTriesBackOf(tx, counted, 1)
          return { retryAfter: Math.max(1, Math.ceil((lockedUntil.getTime() - clock.now().getTime()) / 1000)) }
        }
        counted.push(subject)
      }
      return undefined
    })
  }

  /** Until when it is locked; undefined when the try may be made. */
  async function count(tx: Db, { key, limit }: Subject): Promise<Date | undefined> {
    const now = clock.now()
    const [nowText, windowStart, lockEnd] = [0, -limits.windowMs, limits.lockMs].map(ms => later(now, ms))
    const [row] = await countTry(tx, key, nowText!, windowStart!)
    if (!row) throw new Error('a counted try came back without its row')
    if (row.locked_until !== null) return fromDbTime(row.locked_until)
    if (row.failures <= limit) return undefined
    // More came at once than may be tried; those in flight will fail or clear the count.
    await lock(tx, key, lockEnd!)
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
      if (row && row.failures >= limit) await lock(db, key, lockEnd)
    }
  }

  async function lock(via: Db, key: string, until: string): Promise<void> {
    await via
      .updateTable('orrery_login_failures')
      .set({ locked_until: until })
      .where('subject', '=', key)
      .where('locked_until', 'is', null)
      .execute()
  }

  async function takeBack(subjects: readonly Subject[], tries = 1): Promise<void> {
    await takeTriesBackOf(db, subjects, tries)
  }

  async function succeeded(own: Subject, others: readonly Subject[]): Promise<void> {
    await db.transaction().execute(async tx => {
      const [row] = await forget(tx, own.key)
      await takeTriesBackOf(tx, others, row?.failures ?? 0)
    })
  }

  async function locked(kind: SubjectKind): Promise<ReadonlyMap<string, Date>> {
    const rows = await db
      .selectFrom('orrery_login_failures')
      .select(['subject', 'locked_until'])
      .where('subject', 'like', `${kind}:%`)
      .where('locked_until', '>', toDbTime(clock.now()))
      .execute()
    return new Map(rows.map(({ subject, locked_until }) => [subject, fromDbTime(locked_until!)])) // asked for those that have one
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

async function takeTriesBackOf(via: Db, subjects: readonly Subject[], tries: number): Promise<void> {
  for (const { key } of subjects) await takeTriesBack(via, key, tries)
}

const takeTriesBack = compiledQuery((db, key: string, tries: number) =>
  db
    .updateTable('orrery_login_failures')
    .set({ failures: sql<number>`case when failures > ${tries} then failures - ${tries} else 0 end` })
    .where('subject', '=', key),
)

const forget = compiledQuery((db, key: string) =>
  db.deleteFrom('orrery_login_failures').where('subject', '=', key).returning('failures'),
)

function later(now: Date, ms: number): string {
  return toDbTime(new Date(now.getTime() + ms))
}
