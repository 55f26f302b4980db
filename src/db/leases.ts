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
  /**
   * The last write of its holder: as `withLease`, and gives the lease up in the same transaction unless `write` answers
   * undefined, upon which it is kept.
   */
  finish<T>(write: (tx: DbTransaction) => Promise<T | undefined>): Promise<T | undefined>
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
  const [row] = await takeLease[database.dialect](database.db, name, holder, inMs(database.dialect, termMs))
  return row && keepLease(database, { name, holder, epoch: row.epoch }, termMs, askedAt)
}

/**
 * As `acquireLease`, and writes in the same transaction: where `write` throws, nothing was taken. Undefined, without
 * running `write`, when the lease is another's.
 */
export async function acquireLeaseAndWrite<T>(
  database: Database,
  { name, holder, termMs }: { name: string; holder: string; termMs: number },
  write: (tx: DbTransaction) => Promise<T>,
): Promise<{ lease: Lease; written: T } | undefined> {
  const askedAt = performance.now()
  const taken = await database.db.transaction().execute(async tx => {
    const [row] = await takeLease[database.dialect](tx, name, holder, inMs(database.dialect, termMs))
    return row && { epoch: row.epoch, written: await write(tx) }
  })
  if (!taken) return undefined
  return { lease: keepLease(database, { name, holder, epoch: taken.epoch }, termMs, askedAt), written: taken.written }
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
    await assertHeld(database, tx, lease)
    return write(tx)
  })
}

async function assertHeld(database: Database, tx: DbTransaction, lease: LeaseKey): Promise<void> {
  const { name, holder, epoch } = lease
  const [row] = await heldLease[database.dialect](tx, name, holder, epoch)
  if (!row) throw leaseLost(lease)
}

/** `until` is in the words of the dialect, see `inMs`. */
const takeLease = { sqlite: takeStatement('sqlite'), postgres: takeStatement('postgres') }

function takeStatement(dialect: Database['dialect']) {
  return compiledQuery((db, name: string, holder: string, until: string) => {
    const statement = sql<{ epoch: number }>`
      insert into orrery_leases (name, holder, epoch, expires_at)
      values (${name}, ${holder}, 1, ${timeIn(dialect, until)})
      on conflict (name) do update
        set holder = excluded.holder, epoch = orrery_leases.epoch + 1, expires_at = excluded.expires_at
        where orrery_leases.expires_at <= ${timeIn(dialect)}
      returning epoch`
    return { compile: () => statement.compile(db) }
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
  return { ...key, lost: lost.signal, renew, finish, release }

  async function renew(): Promise<boolean> {
    if (lost.signal.aborted || released) return false
    const startedAt = performance.now()
    const [row] = await renewLease[database.dialect](
      database.db,
      key.name,
      key.holder,
      key.epoch,
      inMs(database.dialect, termMs),
    )
    if (row) renewedAt = startedAt
    else lose()
    return row !== undefined
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

  async function finish<T>(write: (tx: DbTransaction) => Promise<T | undefined>): Promise<T | undefined> {
    released = true // no renewal meanwhile
    let written: T | undefined
    try {
      written = await database.db.transaction().execute(async tx => {
        await assertHeld(database, tx, key)
        const result = await write(tx)
        if (result !== undefined) await releaseLease(tx, key.name, key.holder, key.epoch)
        return result
      })
    } finally {
      released = written !== undefined
    }
    if (released) clearInterval(timer)
    return written
  }

  async function release(): Promise<void> {
    if (released) return
    released = true
    clearInterval(timer)
    await releaseLease(database.db, key.name, key.holder, key.epoch)
  }
}

/** A time in the past of every clock. */
const RELEASED = '1970-01-01 00:00:00.000000'

const ownRow = (db: Db, name: string, holder: string, epoch: number) =>
  db.updateTable('orrery_leases').where('name', '=', name).where('holder', '=', holder).where('epoch', '=', epoch)

/** The row stays: its epoch must go on growing. */
const releaseLease = compiledQuery((db, name: string, holder: string, epoch: number) =>
  ownRow(db, name, holder, epoch).set({ expires_at: sql.lit(RELEASED) }),
)

/** A renewal that was on its way while the lease was given up does not take it back. */
const renewLease = { sqlite: renewStatement('sqlite'), postgres: renewStatement('postgres') }

function renewStatement(dialect: Database['dialect']) {
  return compiledQuery((db, name: string, holder: string, epoch: number, until: string) =>
    ownRow(db, name, holder, epoch)
      .where('expires_at', '>', sql.lit(RELEASED))
      .set({ expires_at: timeIn(dialect, until) })
      .returning('epoch'),
  )
}

/** The database's own clock, `later` by what `inMs` says. */
function timeIn(dialect: Database['dialect'], later: string = inMs(dialect, 0)) {
  return dialect === 'sqlite'
    ? sql<string>`strftime('%Y-%m-%d %H:%M:%f000', 'now', ${later})`
    : sql<string>`(clock_timestamp() at time zone 'UTC' + ${later}::interval)`
}

function inMs(dialect: Database['dialect'], ms: number): string {
  return dialect === 'sqlite' ? `${ms / 1000} seconds` : `${ms} milliseconds`
}

function leaseLost(lease: LeaseKey, cause?: unknown): HubError {
  return new HubError('lease_lost', {
    status: 409,
    message: 'Another hub has taken this over.',
    detail: { lease: lease.name, holder: lease.holder, epoch: lease.epoch },
    cause,
  })
}
