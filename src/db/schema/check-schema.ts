import { sql } from 'kysely'
import { HubError } from '../../core/errors.ts'
import type { Db, DialectName } from '../database.ts'
import { createOwnTables, createSchema, tableNames } from './create-schema.ts'
import { knownRevision } from './jupyterhub-changes.ts'
import { JUPYTERHUB_REVISION } from './jupyterhub-tables.ts'
import { createOwnIndexes, hasOwnIndexes } from './own-indexes.ts'
import { OWN_SCHEMA_VERSION, OWN_TABLE_NAMES } from './own-tables.ts'

/**
 * Makes an empty database ready, or checks that a filled one is of the version this program works with. Two hubs that
 * start on one empty database at once make the tables once. Throws HubError `database_too_old`, `database_too_new`,
 * `database_missing` (empty, and `create` is false) or `database_foreign` (tables, but not JupyterHub's).
 */
export async function prepareSchema(db: Db, dialect: DialectName, create: boolean): Promise<void> {
  if (await isReady(db, dialect)) return
  await db.transaction().execute(async tx => {
    if (dialect === 'postgres') await lockSchema(tx)
    const tables = await tableNames(tx, dialect)
    if (!tables.has('users')) {
      if (tables.has('alembic_version') || tables.has('api_tokens')) throw foreign()
      if (!create) throw missing()
      await createSchema(tx, dialect)
    } else {
      await checkRevision(tx, tables)
    }
    await createOwnTables(tx, dialect)
    await createOwnIndexes(tx, dialect)
  })
}

/** The usual case, without a transaction: a start must not wait for a writer. */
async function isReady(db: Db, dialect: DialectName): Promise<boolean> {
  const tables = await tableNames(db, dialect)
  if (!tables.has('users') || !tables.has('orrery_meta')) return false
  await checkRevision(db, tables)
  const own = await db.selectFrom('orrery_meta').select('value').where('key', '=', 'schema').executeTakeFirst()
  const version = Number(own?.value ?? 0)
  if (version > OWN_SCHEMA_VERSION) throw tooNew(`orrery schema ${version}`)
  if (version !== 0 && version < OWN_SCHEMA_VERSION) throw tooOld(`orrery schema ${version}`)
  if (version !== OWN_SCHEMA_VERSION || !OWN_TABLE_NAMES.every(name => tables.has(name))) return false
  return hasOwnIndexes(db, dialect)
}

async function checkRevision(db: Db, tables: ReadonlySet<string>): Promise<void> {
  const revision = await findRevision(db, tables)
  if (revision === JUPYTERHUB_REVISION) return
  if (revision === undefined) throw foreign()
  throw knownRevision(revision) ? tooOld(revision) : tooNew(revision)
}

/** The alembic revision stamped into the database; undefined when there is none. */
export async function findRevision(db: Db, tables: ReadonlySet<string>): Promise<string | undefined> {
  if (!tables.has('alembic_version')) return undefined
  const row = await db.selectFrom('alembic_version').select('version_num').executeTakeFirst()
  return row?.version_num
}

/** Until the transaction ends; CREATE TABLE IF NOT EXISTS alone can fail when two do it at once. */
export async function lockSchema(tx: Db): Promise<void> {
  await sql`select pg_advisory_xact_lock(${SCHEMA_LOCK})`.execute(tx)
}

/** Any number, the same in every hub. */
const SCHEMA_LOCK = 0x6f727279

export function tooOld(revision: string): HubError {
  return new HubError('database_too_old', {
    status: 500,
    message: `The database is of an older version (${revision}; this program works with ${JUPYTERHUB_REVISION}).`,
    nextStep: 'Stop the hub, run `orrery db upgrade`, and start it again. A SQLite file is copied first.',
    detail: { revision, wanted: JUPYTERHUB_REVISION },
  })
}

export function tooNew(revision: string): HubError {
  return new HubError('database_too_new', {
    status: 500,
    message: `The database is of a version that this program does not know (${revision}).`,
    nextStep: 'Use the version of Orrery or JupyterHub that wrote it, or a newer one, or restore an older backup.',
    detail: { revision, wanted: JUPYTERHUB_REVISION },
  })
}

export function foreign(): HubError {
  return new HubError('database_foreign', {
    status: 500,
    message: 'The database holds tables that are not those of a hub, or lacks the stamp of its version.',
    nextStep: 'Name an empty database or one that JupyterHub or Orrery made.',
  })
}

export function missing(): HubError {
  return new HubError('database_missing', {
    status: 500,
    message: 'There is no hub database at this address.',
    nextStep: 'Check the database URL, or start the hub once: it makes the database.',
  })
}
