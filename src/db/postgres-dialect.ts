import { createRequire } from 'node:module'
import { type Dialect, PostgresDialect, type PostgresPoolClient } from 'kysely'
import type pg from 'pg'
import { HubError } from '../core/errors.ts'
import type { Logger } from '../core/runtime.ts'
import { translateDatabaseError } from './database-errors.ts'
import { normalDbTime } from './db-time.ts'

/** Loaded when asked for: a hub on SQLite goes without. */
const loadPg = () => createRequire(import.meta.url)('pg') as typeof pg

/** PostgreSQL type numbers (pg_type.oid). */
const INT8 = 20
const TIMESTAMP = 1114

/**
 * Kysely on PostgreSQL. Times come as the same texts as from SQLite, counts as numbers. A connection that breaks is
 * replaced by the pool at the next query.
 */
export function postgresDialect(connectionString: string, displayUrl: string, log: Logger): Dialect {
  const { Pool, types } = loadPg()
  const pool = new Pool({
    connectionString,
    max: 10,
    connectionTimeoutMillis: 10_000,
    application_name: 'orrery',
    types: { getTypeParser: typeParsers(types) },
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
        return guardedClient(client, displayUrl)
      },
    },
  })

  function fail(error: unknown): never {
    throw translateDatabaseError(error, displayUrl)
  }
}

/** The two members of a pool's client that kysely calls. A connection that broke does not go back to the pool. */
function guardedClient(client: pg.PoolClient, displayUrl: string): PostgresPoolClient {
  let broken = false
  const markBroken = () => {
    broken = true
  }
  // Without a listener the event of a connection that breaks ends the process.
  client.on('error', markBroken)
  const run = client.query as unknown as (...args: unknown[]) => Promise<unknown> // overloads
  return {
    query: async (...args: unknown[]) => {
      try {
        return await run.apply(client, args)
      } catch (error) {
        const translated = translateDatabaseError(error, displayUrl)
        if (translated instanceof HubError && translated.code === 'database_unreachable') markBroken()
        throw translated
      }
    },
    release: (destroy?: boolean) => {
      client.off('error', markBroken)
      client.release(destroy || broken)
    },
  } as PostgresPoolClient // the rest is for streaming and cancelling, which are not used
}

function typeParsers(types: typeof pg.types): typeof pg.types.getTypeParser {
  const parserOf = (oid: number, format?: 'text' | 'binary') => {
    if (oid === TIMESTAMP) return normalDbTime
    if (oid === INT8) return Number
    return types.getTypeParser(oid, format as 'text')
  }
  return parserOf as typeof pg.types.getTypeParser // its overloads name one return type per format
}
