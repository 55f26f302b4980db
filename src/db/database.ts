import type { Kysely, Transaction } from 'kysely'
import type { HotReads } from './hot.ts'
import type { Tables } from './tables.ts'

export type Db = Kysely<Tables>
export type DbTransaction = Transaction<Tables>
export type DialectName = 'sqlite' | 'postgres'

/** An open database. `db` serves everything; `hot` holds the prepared reads of the request path. */
export interface Database {
  readonly db: Db
  readonly dialect: DialectName
  /** What every request begins with. */
  readonly hot: HotReads
  /** The URL without its password, for logs. */
  readonly displayUrl: string
  /** Time by the database's clock, the only one that leases go by. */
  now(): Promise<Date>
  close(): Promise<void>
}
