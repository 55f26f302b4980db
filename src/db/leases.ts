import { sql } from 'kysely'
import { HubError } from '../core/errors.ts'
import { compiledQuery } from './compiled-query.ts'
import type { Database, Db, DbTransaction } from './database.ts'

/**
 * The right to do one thing (a start, the care for the routes) that one process has at a time. It is a row; it runs
 * out by the database's clock when its holder is silent for a whole term, and then passes to whoever asks next.
 * `epoch` grows with every change of holder, so a late write of a former one is recognised.
 */
export interface Lease {
  readonly name: string
  readonly holder: string
  readonly epoch: number
  /** Aborts, with HubError `lease_lost` as its reason, when the lease is another's or could not be renewed in time. */
  readonly lost: AbortSignal
  /** Renews at once; false when it is lost. It also renews itself at a third of the term. */
  renew(): Promise<boolean>
  /** Gives it up, so that the next need not wait. Giving up a lost one is no error. */
  release(): Promise<void>
}

/**
 * Takes the lease `name` when nobody has it or its holder is overdue; undefined when it is another's, or this very
 * holder's already. `holder` is unique to a process (host, pid and something random).
 */
export async function acquireLease(
  database: Database,
  name: string,
  holder: string,
  termMs: number,
): Promise<Lease | undefined> {
  const askedAt = performance.now()
  const { rows } = await sql<{ epoch: number }>`
    insert into orrery_leases (name, holder, epoch, expires_at)
    values (${name}, ${holder}, 1, ${timeIn(database, termMs)})
    on conflict (name) do update
      set holder = excluded.holder, epoch = orrery_leases.epoch + 1, expires_at = excluded.expires_at
      where orrery_leases.expires_at <= ${timeIn(database, 0)}
    returning epoch`.execute(database.db)
  const row = rows[0]
  return row && keepLease(database, { name, holder, epoch: row.epoch }, termMs, askedAt)
}

/**
 * Writes in one transaction that only the holder of a lease may do. Throws HubError `lease_lost`, without running
 * `write`, when the lease has passed to another.
 */
export function withLease<T>(
  database: Database,
  lease: LeaseKey,
  write: (tx: DbTransaction) => Promise<T>,
): Promise<T> {
  return database.db.transaction().execute(async tx => {
    const { name, holder, epoch } = lease
    const [row] = await heldLease[database.dialect](tx, name, holder, epoch)
    if (!row) throw leaseLost(lease)
    return write(tx)
  })
}

const leaseOf = (db: Db, name: string, holder: string, epoch: number) =>
  db
    .selectFrom('orrery_leases')
    .select('epoch')
    .where('name', '=', name)
    .where('holder', '=', holder)
    .where('epoch', '=', epoch)

/** Nobody takes it over between this read and the commit. SQLite has one writer at a time anyway. */
const heldLease = {
  sqlite: compiledQuery(leaseOf),
  postgres: compiledQuery((db, name: string, holder: string, epoch: number) =>
    leaseOf(db, name, holder, epoch).forShare(),
  ),
}

/** What identifies a lease in the database. */
export type LeaseKey = Pick<Lease, 'name' | 'holder' | 'epoch'>

function keepLease(database: Database, key: LeaseKey, termMs: number, askedAt: number): Lease {
  const lost = new AbortController()
  let renewedAt = askedAt
  let released = false
  const timer = setInterval(() => void keep(), termMs / 3)
  timer.unref()
  return { ...key, lost: lost.signal, renew, release }

  async function renew(): Promise<boolean> {
    if (lost.signal.aborted || released) return false
    const startedAt = performance.now()
    const { numUpdatedRows } = await ownRow(database, key)
      .set({ expires_at: timeIn(database, termMs) })
      .executeTakeFirst()
    if (numUpdatedRows === 0n) lose()
    else renewedAt = startedAt
    return numUpdatedRows > 0n
  }

  async function keep(): Promise<void> {
    try {
      await renew()
    } catch (error) {
      // The database does not answer. Past the term another may have it, whatever we cannot see.
      if (performance.now() - renewedAt >= termMs) lose(error)
    }
  }

  function lose(cause?: unknown): void {
    clearInterval(timer)
    if (!released) lost.abort(leaseLost(key, cause))
  }

  async function release(): Promise<void> {
    if (released) return
    released = true
    clearInterval(timer)
    // The row stays: its epoch must go on growing.
    await ownRow(database, key).set({ expires_at: RELEASED }).execute()
  }
}

/** A time in the past of every clock. */
const RELEASED = '1970-01-01 00:00:00.000000'

function ownRow(database: Database, key: LeaseKey) {
  return database.db
    .updateTable('orrery_leases')
    .where('name', '=', key.name)
    .where('holder', '=', key.holder)
    .where('epoch', '=', key.epoch)
}

function timeIn(database: Database, ms: number) {
  return database.dialect === 'sqlite'
    ? sql<string>`strftime('%Y-%m-%d %H:%M:%f000', 'now', ${`${ms / 1000} seconds`})`
    : sql<string>`(clock_timestamp() at time zone 'UTC' + ${`${ms} milliseconds`}::interval)`
}

function leaseLost(lease: LeaseKey, cause?: unknown): HubError {
  return new HubError('lease_lost', {
    status: 409,
    message: 'Another hub has taken this over.',
    detail: { lease: lease.name, holder: lease.holder, epoch: lease.epoch },
    cause,
  })
}
