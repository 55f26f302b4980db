import { Kysely, type RawBuilder, sql } from 'kysely'
import type { Logger } from '../core/runtime.ts'
import type { Database } from './database.ts'
import { type DatabaseUrl, parseDatabaseUrl } from './database-url.ts'
import { fromDbTime } from './db-time.ts'
import { readDirectly } from './direct-reads.ts'
import { kyselyHotReads, sqliteHotReads } from './hot.ts'
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
  return url.dialect === 'sqlite' ? connectSqlite(url) : connectPostgres(url, log)
}

function connectSqlite(url: DatabaseUrl & { dialect: 'sqlite' }): Database {
  const sqlite = openSqlite(url.file, url.display)
  // A database in memory has one connection only.
  const reader = url.file === undefined ? sqlite : openSqlite(url.file, url.display)
  if (reader !== sqlite) reader.exec('pragma query_only = on')
  const db = new Kysely<Tables>({ dialect: sqliteDialect(sqlite, url.display) })
  if (reader !== sqlite) readDirectly(db, reader, url.display)
  return {
    db,
    dialect: 'sqlite',
    hot: sqliteHotReads(reader, url.display),
    displayUrl: url.display,
    now: () => readClock(db, sql`select strftime('%Y-%m-%d %H:%M:%f', 'now') as now`),
    close: async () => {
      await db.destroy()
      for (const connection of [reader, sqlite]) if (connection.isOpen) connection.close()
    },
  }
}

function connectPostgres(url: DatabaseUrl & { dialect: 'postgres' }, log: Logger): Database {
  const db = new Kysely<Tables>({ dialect: postgresDialect(url.connectionString, url.display, log) })
  return {
    db,
    dialect: 'postgres',
    hot: kyselyHotReads(db),
    displayUrl: url.display,
    now: () => readClock(db, sql`select clock_timestamp() at time zone 'UTC' as now`),
    close: () => db.destroy(),
  }
}

async function readClock(db: Database['db'], query: RawBuilder<unknown>): Promise<Date> {
  const { rows } = await query.$castTo<{ now: string }>().execute(db)
  return fromDbTime(rows[0]!.now)
}
