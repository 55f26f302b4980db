import type { DatabaseSync } from 'node:sqlite'
import type { Db } from './database.ts'
import { translateDatabaseError } from './database-errors.ts'
import { bindable, isBusy, keptStatements, readRows } from './sqlite-dialect.ts'

/**
 * A second, reading connection to a SQLite file: it neither goes through kysely's promises nor waits for a transaction
 * that somebody else runs. The write-ahead log shows it all that is committed.
 */
export interface DirectReads {
  /** Undefined while the file is held (a checkpoint at its end, a recovery); ask the other connection, which waits. */
  read<Row>(sql: string, values: unknown[]): Row[] | undefined
}

const readsOf = new WeakMap<Db, DirectReads>()

/** From now on compiled reads of `db` (not of its transactions) take the direct way. */
export function readDirectly(db: Db, reader: DatabaseSync, displayUrl: string): void {
  const statements = keptStatements(reader)
  readsOf.set(db, {
    read<Row>(sql: string, values: unknown[]) {
      try {
        return readRows<Row>(statements.get(sql), values.map(bindable))
      } catch (error) {
        if (isBusy(error)) return undefined
        throw translateDatabaseError(error, displayUrl)
      }
    },
  })
}

/** Undefined for a transaction, whose reads see what it has written, and on PostgreSQL. */
export function directReadsOf(db: Db): DirectReads | undefined {
  return readsOf.get(db)
}
