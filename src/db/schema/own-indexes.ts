import { sql } from 'kysely'
import type { Db, DbTransaction, DialectName } from '../database.ts'
import { runDdl } from './create-schema.ts'

/**
 * Columns of JupyterHub's tables by which rows are found and which it gives no index: without one, a user's own model
 * and the deletion of a user read all servers, tokens and shares of the hub. JupyterHub neither sees nor minds an index
 * that is not its own; see docs/decisions/0005.
 */
const INDEXED: Readonly<Record<string, readonly string[]>> = {
  spawners: ['user_id', 'server_id', 'oauth_client_id'],
  api_tokens: ['user_id', 'service_id', 'client_id'],
  oauth_codes: ['user_id', 'client_id'],
  shares: ['user_id', 'group_id', 'owner_id', 'spawner_id'],
  share_codes: ['owner_id', 'spawner_id'],
  user_role_map: ['role_id'],
  user_group_map: ['group_id'],
  // A table of our own: whoever follows the servers live asks every second for those that changed.
  orrery_runs: ['phase', 'since'],
}

/** In SQLite's words, which are PostgreSQL's, too. */
export const OWN_INDEXES: readonly { readonly name: string; readonly statement: string }[] = Object.entries(
  INDEXED,
).flatMap(([table, columns]) =>
  columns.map(column => {
    const name = `ix_orrery_${table.replace(/^orrery_/, '')}_${column}`
    return { name, statement: `CREATE INDEX IF NOT EXISTS ${name} ON ${table} (${column})` }
  }),
)

export async function createOwnIndexes(tx: DbTransaction, dialect: DialectName): Promise<void> {
  await runDdl(
    tx,
    dialect,
    OWN_INDEXES.map(index => index.statement),
  )
}

/** False also when another program has made a table anew and its indexes were lost. */
export async function hasOwnIndexes(db: Db, dialect: DialectName): Promise<boolean> {
  const query =
    dialect === 'sqlite'
      ? sql<{ name: string }>`select name from sqlite_master where type = 'index'`
      : sql<{ name: string }>`select indexname as name from pg_indexes where schemaname = current_schema()`
  const names = new Set((await query.execute(db)).rows.map(row => row.name))
  return OWN_INDEXES.every(({ name }) => names.has(name))
}
