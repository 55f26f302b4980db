import { sql } from 'kysely'
import type { Db, DbTransaction, DialectName } from '../database.ts'
import { JUPYTERHUB_REVISION, JUPYTERHUB_TABLES, postgresDdl } from './jupyterhub-tables.ts'
import { OWN_SCHEMA_VERSION, OWN_TABLES } from './own-tables.ts'

/** Makes JupyterHub's tables exactly as JupyterHub 6.1 makes them, and stamps the revision. The database is empty. */
export async function createSchema(tx: DbTransaction, dialect: DialectName): Promise<void> {
  await runDdl(tx, dialect, JUPYTERHUB_TABLES)
  await tx.insertInto('alembic_version').values({ version_num: JUPYTERHUB_REVISION }).execute()
}

/** Makes the own tables that are missing; the others are left as they are. */
export async function createOwnTables(tx: DbTransaction, dialect: DialectName): Promise<void> {
  await runDdl(tx, dialect, OWN_TABLES)
  await tx
    .insertInto('orrery_meta')
    .values({ key: 'schema', value: String(OWN_SCHEMA_VERSION) })
    .onConflict(conflict => conflict.column('key').doNothing())
    .execute()
}

/** Runs statements written in SQLite's words on either dialect. */
export async function runDdl(
  db: Db | DbTransaction,
  dialect: DialectName,
  statements: readonly string[],
): Promise<void> {
  for (const statement of statements) {
    await sql.raw(dialect === 'postgres' ? postgresDdl(statement) : statement).execute(db)
  }
}

/** Names of all tables in the database (on PostgreSQL: of the schema that is searched first). */
export async function tableNames(db: Db | DbTransaction, dialect: DialectName): Promise<Set<string>> {
  const query =
    dialect === 'sqlite'
      ? sql<{ name: string }>`select name from sqlite_master where type = 'table'`
      : sql<{ name: string }>`select tablename as name from pg_tables where schemaname = current_schema()`
  const { rows } = await query.execute(db)
  return new Set(rows.map(row => row.name))
}
