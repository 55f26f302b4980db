import type { DatabaseSync, SQLInputValue, StatementSync } from 'node:sqlite'
import { setTimeout as sleep } from 'node:timers/promises'
import {
  CompiledQuery,
  type DatabaseConnection,
  type Dialect,
  type Driver,
  type QueryResult,
  SqliteAdapter,
  SqliteIntrospector,
  SqliteQueryCompiler,
} from 'kysely'
import type { Db } from './database.ts'
import { translateDatabaseError } from './database-errors.ts'

/**
 * Kysely on Node's own SQLite. One connection serves everybody in turn: who runs a transaction has it alone until the
 * end. Statements are prepared once. Booleans go in as 0 and 1 and come back as booleans where the column is declared
 * BOOLEAN.
 */
export function sqliteDialect(sqlite: DatabaseSync, displayUrl: string): Dialect {
  const driver = new NodeSqliteDriver(sqlite, displayUrl)
  return {
    createAdapter() {
      const adapter = new SqliteAdapter()
      driverOf.set(adapter, driver)
      return adapter
    },
    createDriver: () => driver,
    createIntrospector: db => new SqliteIntrospector(db),
    createQueryCompiler: () => new SqliteQueryCompiler(),
  }
}

/** Transactions share the adapter of their database. */
const driverOf = new WeakMap<object, NodeSqliteDriver>()

/**
 * Runs a statement of `db` now, without kysely's promises, of which a dozen cost more than the statement. Undefined where
 * that cannot be: on PostgreSQL, while a transaction has the connection and `db` is not that transaction, while another
 * process writes. Throws HubError.
 */
export function runNow<Row>(db: Db, sql: string, parameters: unknown[]): Row[] | undefined {
  return driverOf.get(db.getExecutor().adapter)?.runNow<Row>(sql, parameters, db.isTransaction)
}

class NodeSqliteDriver implements Driver {
  readonly #sqlite: DatabaseSync
  readonly #connection: NodeSqliteConnection
  #tail: Promise<void> = Promise.resolve()
  #free: () => void = () => {}
  /** Who have the connection or wait for it. */
  #inLine = 0

  constructor(sqlite: DatabaseSync, displayUrl: string) {
    this.#sqlite = sqlite
    this.#connection = new NodeSqliteConnection(sqlite, displayUrl)
  }

  async init(): Promise<void> {}

  async acquireConnection(): Promise<DatabaseConnection> {
    this.#inLine += 1
    const before = this.#tail
    const turn = Promise.withResolvers<void>()
    this.#tail = turn.promise
    await before
    this.#free = turn.resolve
    return this.#connection
  }

  async releaseConnection(): Promise<void> {
    this.#inLine -= 1
    this.#free()
  }

  async beginTransaction(connection: DatabaseConnection): Promise<void> {
    // IMMEDIATE takes the write lock now: a transaction that read first can never fail with SQLITE_BUSY half-way.
    await connection.executeQuery(CompiledQuery.raw('begin immediate'))
  }

  async commitTransaction(connection: DatabaseConnection): Promise<void> {
    await connection.executeQuery(CompiledQuery.raw('commit'))
  }

  async rollbackTransaction(connection: DatabaseConnection): Promise<void> {
    // SQLite rolls back by itself after some errors (full disk).
    if (this.#sqlite.isTransaction) await connection.executeQuery(CompiledQuery.raw('rollback'))
  }

  /** Whoever is in a transaction has the connection. */
  runNow<Row>(sql: string, parameters: unknown[], inTransaction: boolean): Row[] | undefined {
    return inTransaction || this.#inLine === 0 ? this.#connection.runNow<Row>(sql, parameters) : undefined
  }

  async destroy(): Promise<void> {
    await this.#tail
    if (this.#sqlite.isOpen) this.#sqlite.close()
  }
}

/** While another process writes, SQLite blocks our thread this long, and we then ask again without blocking. */
export const BUSY_TIMEOUT_MS = 100
const BUSY_RETRIES_MS = [20, 50, 100, 200, 400, 800, 1600, 3200]
/** How long the file may be held until requests are told of it; all that wait share this time. */
const BUSY_PATIENCE_MS = 7500
const STATEMENTS_KEPT = 400

/** A statement that is kept, and how its rows are made. */
export interface Prepared {
  readonly statement: StatementSync
  /** Undefined when it gives none. */
  readonly toRow: ((values: unknown[]) => object) | undefined
  /** Reading goes on beside a writer of another process, and so proves nothing of it. */
  readonly writes: boolean
}

class NodeSqliteConnection implements DatabaseConnection {
  readonly #sqlite: DatabaseSync
  readonly #displayUrl: string
  readonly #statements: KeptStatements
  #heldSince = -Infinity
  #lastHeld = -Infinity

  constructor(sqlite: DatabaseSync, displayUrl: string) {
    this.#sqlite = sqlite
    this.#displayUrl = displayUrl
    this.#statements = keptStatements(sqlite)
  }

  async executeQuery<R>({ sql, parameters }: CompiledQuery): Promise<QueryResult<R>> {
    const values = parameters.map(bindable)
    for (let retry = 0; ; retry++) {
      try {
        return this.#run<R>(sql, values)
      } catch (error) {
        const waitMs = isBusy(error) && !this.#sqlite.isTransaction ? this.#patience(retry) : undefined
        if (waitMs === undefined) throw translateDatabaseError(error, this.#displayUrl)
        await sleep(waitMs)
      }
    }
  }

  /** Undefined while another process writes: `executeQuery` waits. */
  runNow<R>(sql: string, parameters: unknown[]): R[] | undefined {
    try {
      return this.#run<R>(sql, parameters.map(bindable)).rows
    } catch (error) {
      if (isBusy(error) && !this.#sqlite.isTransaction) return undefined
      throw translateDatabaseError(error, this.#displayUrl)
    }
  }

  /**
   * How long to wait before the next try; undefined when it is time to give up. Statements come one after the other, so
   * the tenth would wait ten times as long if each began to count anew.
   */
  #patience(retry: number): number | undefined {
    const now = performance.now()
    if (now - this.#lastHeld > BUSY_PATIENCE_MS) this.#heldSince = now
    this.#lastHeld = now
    const waitMs = BUSY_RETRIES_MS[retry]
    return waitMs !== undefined && now + waitMs - this.#heldSince < BUSY_PATIENCE_MS ? waitMs : undefined
  }

  // biome-ignore lint/correctness/useYield: SQLite answers at once; nothing is gained by streaming a row at a time
  async *streamQuery<R>(): AsyncIterableIterator<QueryResult<R>> {
    throw new Error('streaming is not supported on SQLite; read pages instead')
  }

  #run<R>(sql: string, values: SQLInputValue[]): QueryResult<R> {
    // Columns of a kept statement would be those of before the change.
    if (/^\s*(create|alter|drop)\b/i.test(sql)) this.#statements.forget()
    const prepared = this.#statements.get(sql)
    if (prepared.toRow) {
      const rows = readRows<R>(prepared, values)
      if (prepared.writes) this.#lastHeld = -Infinity
      return { rows }
    }
    const { changes, lastInsertRowid } = prepared.statement.run(...values)
    if (prepared.writes) this.#lastHeld = -Infinity
    return { rows: [], numAffectedRows: BigInt(changes), insertId: BigInt(lastInsertRowid) }
  }
}

export function bindable(value: unknown): SQLInputValue {
  if (typeof value === 'boolean') return value ? 1 : 0
  return value as SQLInputValue // node:sqlite itself refuses what it cannot bind
}

export interface KeptStatements {
  get(sql: string): Prepared
  forget(): void
}

/** Statements of a connection, prepared at their first use and kept. */
export function keptStatements(sqlite: DatabaseSync): KeptStatements {
  const kept = new Map<string, Prepared>()
  return {
    get(sql) {
      const known = kept.get(sql)
      if (known) return known
      const prepared = prepareStatement(sqlite, sql)
      if (kept.size >= STATEMENTS_KEPT) kept.delete(kept.keys().next().value!)
      kept.set(sql, prepared)
      return prepared
    },
    forget: () => kept.clear(),
  }
}

export function prepareStatement(sqlite: DatabaseSync, sql: string): Prepared {
  const statement = sqlite.prepare(sql)
  // Rows as lists, from which plain objects are made: node:sqlite's own have no prototype and are slow to copy.
  statement.setReturnArrays(true)
  const columns = statement.columns()
  const writes = !/^\s*(select|with|pragma)\b/i.test(sql)
  return { statement, toRow: columns.length > 0 ? rowMaker(columns) : undefined, writes }
}

/**
 * `row => ({ "id": row[0], "admin": row[1] === null ? null : row[1] !== 0 })`, made as a program: a loop over the names
 * of columns takes as long again as SQLite's own part. The names are those of our own SQL, quoted.
 */
function rowMaker(columns: readonly { name: string; type: string | null }[]): (values: unknown[]) => object {
  const fields = columns.map(({ name, type }, at) => {
    const value = `row[${at}]`
    return `${JSON.stringify(name)}: ${type === 'BOOLEAN' ? `${value} === null ? null : ${value} !== 0` : value}`
  })
  return new Function('row', `return { ${fields.join(', ')} }`) as (values: unknown[]) => object // as written above
}

/** Runs the statement; rows are plain objects, booleans are booleans. */
export function readRows<Row>({ statement, toRow }: Prepared, values: SQLInputValue[]): Row[] {
  const lists = statement.all(...values) as unknown as unknown[][] // as `setReturnArrays` has it
  return toRow ? (lists.map(toRow) as Row[]) : []
}

export function isBusy(error: unknown): boolean {
  const kind = ((error as { errcode?: number }).errcode ?? 0) & 0xff
  return kind === 5 || kind === 6
}
