import { type Dialect, PostgresDialect, type PostgresPoolClient } from 'kysely'
import pg from 'pg'
import type { Logger } from '../core/runtime.ts'
import { translateDatabaseError } from './database-errors.ts'
import { normalDbTime } from './db-time.ts'

/** PostgreSQL type numbers (pg_type.oid). */
const INT8 = 20
const TIMESTAMP = 1114

/**
 * Kysely on PostgreSQL. Times come as the same texts as from SQLite, counts as numbers. A connection that breaks is
 * replaced by the pool at the next query.
 */
export function postgresDialect(connectionString: string, displayUrl: string, log: Logger): Dialect {
  const pool = new pg.Pool({
    connectionString,
    max: 10,
    connectionTimeoutMillis: 10_000,
    application_name: 'orrery',
    types: { getTypeParser },
    // JupyterHub's columns have no time zone; casts of now() to them must mean UTC.
    options: '-c TimeZone=UTC',
  })
  pool.on('error', error => log.warn({ err: error, database: displayUrl }, 'idle database connection lost'))
  return new PostgresDialect({
    pool: {
      options: pool.options,
      end: () => pool.end(),
      connect: async () => {
        const client = await pool.connect().catch(fail)
        return {
          query: (...args: unknown[]) => query(client, args),
          release: (destroy?: boolean) => client.release(destroy),
        } as PostgresPoolClient // the two members that kysely calls
      },
    },
  })

  function query(client: pg.PoolClient, args: unknown[]): Promise<unknown> {
    const run = client.query as unknown as (...args: unknown[]) => Promise<unknown> // overloads
    return run.apply(client, args).catch(fail)
  }

  function fail(error: unknown): never {
    throw translateDatabaseError(error, displayUrl)
  }
}

const getTypeParser = ((oid: number, format?: 'text' | 'binary') => {
  if (oid === TIMESTAMP) return normalDbTime
  if (oid === INT8) return Number
  return pg.types.getTypeParser(oid, format as 'text')
}) as typeof pg.types.getTypeParser // its overloads name one return type per format
