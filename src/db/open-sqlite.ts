import { accessSync, constants } from 'node:fs'
import { DatabaseSync } from 'node:sqlite'
import { databaseFault, translateDatabaseError } from './database-errors.ts'
import { BUSY_TIMEOUT_MS } from './sqlite-dialect.ts'

/**
 * Opens a SQLite file (undefined: in memory) the way every part of the hub uses it: write-ahead log, so readers and
 * the writer do not wait for each other; foreign keys on, as JupyterHub sets them. Throws HubError.
 */
export function openSqlite(file: string | undefined, displayUrl: string): DatabaseSync {
  let sqlite: DatabaseSync | undefined
  try {
    if (file !== undefined) assertWritable(file, displayUrl)
    sqlite = new DatabaseSync(file ?? ':memory:', { enableForeignKeyConstraints: true, timeout: 5000 })
    // The first statement that reads the file; a file that is no database fails here. A log that has to be recovered
    // after a crash is written here, hence the long timeout up to this point.
    if (file !== undefined) sqlite.exec('pragma journal_mode = wal; pragma synchronous = normal')
    sqlite.exec(`pragma busy_timeout = ${BUSY_TIMEOUT_MS}`)
    sqlite.prepare('select count(*) from sqlite_master').get()
    return sqlite
  } catch (error) {
    sqlite?.close()
    throw translateDatabaseError(error, displayUrl)
  }
}

/**
 * SQLite opens what it may only read, and leaves a log beside it that nobody may write either: still in the way when
 * the file has been put right.
 */
function assertWritable(file: string, displayUrl: string): void {
  try {
    accessSync(file, constants.W_OK)
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException // accessSync throws system errors
    if (code === 'EACCES' || code === 'EROFS') throw databaseFault('readonly', displayUrl, error)
  }
}
