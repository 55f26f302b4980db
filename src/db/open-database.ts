import { Kysely, sql } from 'kysely'
import type { Logger } from '../core/runtime.ts'
import type { Database } from './database.ts'
import { type DatabaseUrl, parseDatabaseUrl } from './database-url.ts'
import { fromDbTime } from './db-time.ts'
import { openSqlite } from './open-sqlite.ts'
import { postgresDialect } from './postgres-dialect.ts'
import { prepareSchema } from './schema/check-schema.ts'
import { sqliteDialect } from './sqlite-dialect.ts'
import type { Tables } from './tables.ts'

export interface OpenDatabaseOptions {
  readonly log: Logger
  /** Make file and tables where there are none. Default true. */
  readonly create?: boolean
  /** What relative SQLite paths are relative to. Default: the working folder. */
  readonly folder?: string
}

/**
 * Opens the hub's database and makes sure that its tables are those this program works with. Throws HubError:
 * `database_unreachable`, `database_refused`, `database_corrupt`, `database_readonly`, `database_locked`,
 * `database_too_old`, `database_too_new`, `database_missing`, `database_foreign`, `database_url_invalid`.
 */
export async function openDatabase(url: string, options: OpenDatabaseOptions): Promise<Database> {
  const database = connectDatabase(parseDatabaseUrl(url, options.folder), options.log)
  try {
    await prepareSchema(database.db, database.dialect, options.create ?? true)
    return database
  } catch (error) {
    await database.close()
    throw error
  }
}

/** Without a look at the tables; for `openDatabase` and the upgrade. */
export function connectDatabase(url: DatabaseUrl, log: Logger): Database {
  const dialect =
    url.dialect === 'sqlite'
      ? sqliteDialect(openSqlite(url.file, url.display), url.display)
      : postgresDialect(url.connectionString, url.display, log)
  const db = new Kysely<Tables>({ dialect })
  const clock =
    url.dialect === 'sqlite'
      ? sql<{ now: string }>`select strftime('%Y-%m-%d %H:%M:%f', 'now') as now`
      : sql<{ now: string }>`select clock_timestamp() at time zone 'UTC' as now`
  return {
    db,
    dialect: url.dialect,
    displayUrl: url.display,
    now: async () => fromDbTime((await clock.execute(db)).rows[0]!.now),
    close: () => db.destroy(),
  }
}
