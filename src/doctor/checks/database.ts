import { accessSync, constants, existsSync, statSync } from 'node:fs'
import { dirname } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { sql } from 'kysely'
import { HubError } from '../../core/errors.ts'
import { bytesWords } from '../../core/for-browsers/usage-words.ts'
import { silentLogger } from '../../core/runtime.ts'
import { translateDatabaseError } from '../../db/database-errors.ts'
import { type DatabaseUrl, parseDatabaseUrl } from '../../db/database-url.ts'
import { connectDatabase } from '../../db/open-database.ts'
import { findRevision, foreign, tooNew, tooOld } from '../../db/schema/check-schema.ts'
import { tableNames } from '../../db/schema/create-schema.ts'
import { knownRevision } from '../../db/schema/jupyterhub-changes.ts'
import { JUPYTERHUB_REVISION } from '../../db/schema/jupyterhub-tables.ts'
import { asOwner } from '../as-owner.ts'
import { AS_ROOT, defineCheck, failure, type Outcome, ok, type Site, skipped, warning } from '../check.ts'
import { mountOf } from '../mounts.ts'

type Item = 'reachable' | 'writable' | 'version' | 'intact' | 'file-system' | 'clock'

const MIB = 1024 ** 2
/** Reading all of it takes a second for some hundred megabytes; a hub that waits for it answers nobody. */
const MAX_READ_BYTES = 1024 * MIB
const MAX_READ_IN_HUB_BYTES = 24 * MIB
/** File systems whose locks SQLite cannot trust (sqlite.org/faq.html#q5). */
const OF_A_NETWORK = /^(nfs\d?|cifs|smb3?|smbfs|9p|afs|fuse\.sshfs|glusterfs|fuse\.glusterfs)$/
/** Leases go by the database's clock, tokens by the hub's. */
const SKEW_WARNING_MS = 2_000
const SKEW_FAILURE_MS = 30_000

export const databaseCheck = defineCheck({
  id: 'database',
  title: 'Database',
  alone: true,
  items: {
    reachable: 'The database is there and lets the hub in.',
    writable: 'The hub can write to it.',
    version: 'Its tables are of the version that this Orrery works with.',
    intact: 'SQLite: its file is not damaged (`pragma quick_check`; files above 1 GB are left out).',
    'file-system': 'SQLite: its file is not on a file system of a network, whose locks fail.',
    clock: 'PostgreSQL: its clock and that of this machine agree.',
  },
  async run(site) {
    const url = parseDatabaseUrl(site.config.dbUrl)
    if (url.dialect === 'postgres') return postgres(url, site)
    if (url.file === undefined)
      return [warning('reachable', 'The database is in memory: all is lost with the hub.', 'Set dbUrl.')]
    return sqlite({ ...url, file: url.file }, site)
  },
})

function sqlite({ file, display }: { file: string; display: string }, site: Site): Outcome<Item>[] {
  if (!isVisible(dirname(file))) return [skipped('reachable', `${file} cannot be seen from this account.`, AS_ROOT)]
  if (!existsSync(file))
    return [skipped('reachable', `There is no database ${file} yet.`, 'The first orrery start makes it.')]
  if (!mayRead(file)) return [skipped('reachable', `${file} cannot be read from this account.`, AS_ROOT)]
  const mount = mountOf(file)
  const onNetwork = mount !== undefined && OF_A_NETWORK.test(mount.type)
  return [
    ...asOwner(site.hubOwner, () => lookInto(file, display, site.inHub)),
    onNetwork
      ? warning(
          'file-system',
          `${file} is on a file system of a network (${mount.type}), whose locks SQLite cannot rely on.`,
          'Keep it on a disk of this machine, or use PostgreSQL.',
        )
      : ok('file-system', `${file} is on a disk of this machine${mount ? ` (${mount.type})` : ''}.`),
  ]
}

/** Nothing in here waits, see `asOwner`. */
function lookInto(file: string, display: string, inHub: boolean): Outcome<Item>[] {
  let database: DatabaseSync | undefined
  try {
    accessSync(file, constants.R_OK)
    database = new DatabaseSync(file, { timeout: inHub ? 0 : 3_000 })
    const revision = revisionIn(database)
    return [
      ok('reachable', `The database is ${file} (${bytesWords(statSync(file).size)}).`, { url: display }),
      ...writable(database, display),
      versionOutcome(revision),
      intact(database, file, inHub),
    ]
  } catch (error) {
    return [faultOutcome('reachable', translateDatabaseError(error, display))]
  } finally {
    database?.close()
  }
}

function revisionIn(database: DatabaseSync): string | undefined {
  const has = database.prepare("select 1 from sqlite_master where name = 'alembic_version'").get()
  return has && (database.prepare('select version_num from alembic_version').get()?.version_num as string | undefined)
}

function writable(database: DatabaseSync, display: string): Outcome<'writable'>[] {
  try {
    // Takes the lock of writers, and gives it back.
    database.exec('begin immediate; rollback')
    return [ok('writable', 'It can be written to.')]
  } catch (error) {
    const fault = translateDatabaseError(error, display)
    if (fault instanceof HubError && fault.code === 'database_locked') {
      return [warning('writable', 'Another process was writing to it all the while.', fault.nextStep ?? 'Try again.')]
    }
    return [faultOutcome('writable', fault)]
  }
}

function intact(database: DatabaseSync, file: string, inHub: boolean): Outcome<'intact'> {
  const bytes = statSync(file).size
  if (bytes > (inHub ? MAX_READ_IN_HUB_BYTES : MAX_READ_BYTES)) {
    return skipped(
      'intact',
      `It was not read through, as it is large (${bytesWords(bytes)}).`,
      inHub ? 'orrery doctor database reads it.' : undefined,
    )
  }
  const faults = faultsIn(database)
  if (faults.length === 0) return ok('intact', 'Its file is whole.')
  return failure('intact', `Its file is damaged: ${faults[0]}.`, 'Restore it from a backup.', { faults })
}

function faultsIn(database: DatabaseSync): string[] {
  try {
    const rows = database.prepare('pragma quick_check(3)').all()
    return rows.map(row => String(row.quick_check)).filter(text => text !== 'ok')
  } catch (error) {
    return [(error as Error).message] // of SQLite, which gives up where the damage is too great
  }
}

async function postgres(url: DatabaseUrl, site: Site): Promise<Outcome<Item>[]> {
  const database = connectDatabase(url, silentLogger)
  try {
    const tables = await tableNames(database.db, 'postgres')
    const revision = await findRevision(database.db, tables)
    const before = site.now().getTime()
    const theirs = (await database.now()).getTime()
    const ours = (before + site.now().getTime()) / 2
    return [
      ok('reachable', `The database is ${url.display}.`, { url: url.display }),
      tables.size === 0
        ? skipped('version', 'It is empty; the first orrery start makes its tables.')
        : versionOutcome(revision),
      await mayWrite(database.db),
      clock(theirs - ours),
    ]
  } catch (error) {
    return [faultOutcome('reachable', translateDatabaseError(error, url.display))]
  } finally {
    await database.close()
  }
}

async function mayWrite(db: ReturnType<typeof connectDatabase>['db']): Promise<Outcome<'writable'>> {
  const { rows } = await sql<{ standby: boolean; readonly: string; users: boolean | null }>`
    select pg_is_in_recovery() as standby, current_setting('transaction_read_only') as readonly,
      (select has_table_privilege(oid, 'INSERT, UPDATE, DELETE') from pg_class
        where relname = 'users' and relnamespace = current_schema()::regnamespace) as users`.execute(db)
  const { standby, readonly, users } = rows[0]! // a select without a table has one row
  const next = 'Name the primary server in dbUrl, and give its user the rights to write.'
  if (standby) return failure('writable', 'It is a standby server, which takes no changes.', next)
  if (readonly === 'on') return failure('writable', 'It is set to be read only.', next)
  if (users === false) return failure('writable', 'Its user may not write to the tables.', next)
  return ok('writable', 'It can be written to.')
}

function clock(skewMs: number): Outcome<'clock'> {
  const off = Math.abs(skewMs)
  const details = { skew_ms: Math.round(skewMs) }
  if (off < SKEW_WARNING_MS) return ok('clock', 'Its clock and that of this machine agree.', details)
  const message = `Its clock is ${(off / 1000).toFixed(1)} seconds ${skewMs > 0 ? 'ahead of' : 'behind'} that of this machine.`
  const next = 'Let both machines take their time from NTP: timedatectl set-ntp true.'
  return off < SKEW_FAILURE_MS ? warning('clock', message, next, details) : failure('clock', message, next, details)
}

function versionOutcome(revision: string | undefined): Outcome<'version'> {
  if (revision === JUPYTERHUB_REVISION) return ok('version', `Its tables are those of JupyterHub 6 (${revision}).`)
  if (revision === undefined) return faultOutcome('version', foreign())
  return faultOutcome('version', knownRevision(revision) ? tooOld(revision) : tooNew(revision))
}

function faultOutcome<Name extends Item>(item: Name, fault: unknown): Outcome<Name> {
  if (!(fault instanceof HubError)) throw fault
  return failure(item, fault.message, fault.nextStep ?? 'See the list of errors.', { code: fault.code })
}

function isVisible(folder: string): boolean {
  try {
    accessSync(folder, constants.X_OK)
    return true
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'ENOENT' // then so is the file, which is told
  }
}

function mayRead(file: string): boolean {
  try {
    accessSync(file, constants.R_OK | constants.W_OK)
    return true
  } catch {
    // Of its own user this is a fault to be told, of anybody else it is as it should be.
    return statSync(file).uid === process.getuid?.()
  }
}
