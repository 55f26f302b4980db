import { chmod, stat } from 'node:fs/promises'
import { sql } from 'kysely'
import { HubError } from '../../core/errors.ts'
import type { Logger } from '../../core/runtime.ts'
import type { Database, DbTransaction, DialectName } from '../database.ts'
import { parseDatabaseUrl } from '../database-url.ts'
import { connectDatabase } from '../open-database.ts'
import { findRevision, foreign, lockSchema, missing, tooNew } from './check-schema.ts'
import { createOwnTables, runDdl, tableNames } from './create-schema.ts'
import { JUPYTERHUB_CHANGES, TOO_OLD } from './jupyterhub-changes.ts'
import { JUPYTERHUB_REVISION, JUPYTERHUB_TABLES } from './jupyterhub-tables.ts'
import { createOwnIndexes } from './own-indexes.ts'
import { OWN_CHANGES, OWN_SCHEMA_VERSION } from './own-tables.ts'

/** What an upgrade did. `from === to` and no backup: there was nothing to do. */
export interface SchemaUpgrade {
  readonly from: string
  readonly to: string
  /** The copy that was made of a SQLite file before anything was changed. */
  readonly backup: string | undefined
}

/**
 * Brings the tables of a database of JupyterHub 3.0 or newer to those of JupyterHub 6.1, as `jupyterhub upgrade-db`
 * does, and the own tables to the version of this program. All or nothing. Throws HubError `database_too_new`,
 * `database_too_old` (before 3.0), `database_missing`, `database_foreign` and those of opening.
 */
export async function upgradeSchema(
  url: string,
  options: { log: Logger; now?: Date; folder?: string },
): Promise<SchemaUpgrade> {
  const parsed = parseDatabaseUrl(url, options.folder)
  if (parsed.dialect === 'sqlite' && parsed.file !== undefined) await mustExist(parsed.file)
  const database = connectDatabase(parsed, options.log)
  try {
    const from = await upgradableRevision(database)
    if (!(await hasWork(database, from))) return { from, to: from, backup: undefined }
    const backup =
      parsed.dialect === 'sqlite' && parsed.file !== undefined
        ? await copySqliteFile(database, parsed.file, options.now ?? new Date())
        : undefined
    await database.db.transaction().execute(tx => upgradeTables(tx, database.dialect))
    options.log.info({ database: database.displayUrl, from, to: JUPYTERHUB_REVISION, backup }, 'database upgraded')
    return { from, to: JUPYTERHUB_REVISION, backup }
  } finally {
    await database.close()
  }
}

async function mustExist(file: string): Promise<void> {
  await stat(file).catch(() => {
    throw missing()
  })
}

/** The revision that is there, when there is a way from it. */
async function upgradableRevision(database: Database): Promise<string> {
  const tables = await tableNames(database.db, database.dialect)
  if (!tables.has('users')) throw missing()
  const revision = await findRevision(database.db, tables)
  if (revision === undefined) throw foreign()
  if (revision === JUPYTERHUB_REVISION || JUPYTERHUB_CHANGES.some(change => change.from === revision)) return revision
  if (!TOO_OLD.has(revision)) throw tooNew(revision)
  throw new HubError('database_too_old', {
    status: 500,
    message: `The database is of a JupyterHub before 3.0 (${revision}), which is not upgraded directly.`,
    nextStep: 'Run `jupyterhub upgrade-db` of a released JupyterHub on it first.',
    detail: { revision },
  })
}

async function hasWork(database: Database, revision: string): Promise<boolean> {
  if (revision !== JUPYTERHUB_REVISION) return true
  const tables = await tableNames(database.db, database.dialect)
  return !tables.has('orrery_meta') || (await ownVersion(database.db)) < OWN_SCHEMA_VERSION
}

/** `jupyterhub.sqlite.2026-01-02-030405` beside it, a consistent copy even while somebody writes. */
async function copySqliteFile(database: Database, file: string, now: Date): Promise<string> {
  const stamp = now.toISOString().slice(0, 19).replace('T', '-').replaceAll(':', '')
  const backup = `${file}.${stamp}`
  await sql`vacuum into ${backup}`.execute(database.db)
  await chmod(backup, (await stat(file)).mode & 0o777)
  return backup
}

async function upgradeTables(tx: DbTransaction, dialect: DialectName): Promise<void> {
  if (dialect === 'postgres') await lockSchema(tx)
  // Read again: another process may have been quicker.
  let revision = await findRevision(tx, await tableNames(tx, dialect))
  for (const change of JUPYTERHUB_CHANGES) {
    if (change.from !== revision) continue
    await runDdl(tx, dialect, change.statements)
    revision = change.to
  }
  await makeMissingTables(tx, dialect)
  await tx.updateTable('alembic_version').set({ version_num: JUPYTERHUB_REVISION }).execute()
  await upgradeOwnTables(tx, dialect)
  await createOwnIndexes(tx, dialect)
}

/** JupyterHub makes wholly new tables (shares, for one) at its start and not by a revision. */
async function makeMissingTables(tx: DbTransaction, dialect: DialectName): Promise<void> {
  const tables = await tableNames(tx, dialect)
  const missingTables = JUPYTERHUB_TABLES.filter(statement => !tables.has(tableOf(statement)))
  await runDdl(tx, dialect, missingTables)
}

function tableOf(statement: string): string {
  return /^CREATE (?:TABLE (\w+)|INDEX \w+ ON (\w+))/.exec(statement)!.slice(1).find(Boolean)!
}

async function upgradeOwnTables(tx: DbTransaction, dialect: DialectName): Promise<void> {
  const tables = await tableNames(tx, dialect)
  if (tables.has('orrery_meta')) {
    for (let version = await ownVersion(tx); version < OWN_SCHEMA_VERSION; version++) {
      await runDdl(tx, dialect, OWN_CHANGES[version] ?? [])
    }
    await tx
      .updateTable('orrery_meta')
      .set({ value: String(OWN_SCHEMA_VERSION) })
      .where('key', '=', 'schema')
      .execute()
  }
  await createOwnTables(tx, dialect)
}

async function ownVersion(db: Database['db']): Promise<number> {
  const row = await db.selectFrom('orrery_meta').select('value').where('key', '=', 'schema').executeTakeFirst()
  return Number(row?.value ?? OWN_SCHEMA_VERSION)
}
