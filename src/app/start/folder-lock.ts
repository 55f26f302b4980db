import { readFileSync, rmSync, writeFileSync } from 'node:fs'
import { DatabaseSync } from 'node:sqlite'
import { HubError } from '../../core/errors.ts'
import { translateDatabaseError } from '../../db/database-errors.ts'
import { dataFolderFault } from '../data-folder.ts'

/** A database that nobody refers to would be closed by the garbage collector, and its lock be gone. */
const held = new Set<DatabaseSync>()

/**
 * Takes a lock that lives exactly as long as this process, `kill -9` included: an exclusive lock of SQLite on a file
 * of its own, which the kernel drops with the process. Throws HubError `data_folder_in_use` when another has it.
 */
export function lockFolder(file: string, folder: string): { release(): void } {
  const pidFile = `${file}.pid`
  let lock: DatabaseSync | undefined
  try {
    lock = new DatabaseSync(file, { timeout: 0 })
    lock.exec('pragma journal_mode = memory; begin exclusive')
  } catch (cause) {
    lock?.close()
    // SQLITE_BUSY is 5; anything else says something about the disk.
    if ((cause as { errcode?: number }).errcode !== 5) throw translateDatabaseError(cause, `sqlite:///${file}`)
    const holder = readHolder(pidFile)
    throw new HubError('data_folder_in_use', {
      status: 503,
      message: `Another Orrery runs on ${folder}${holder ? ` (process ${holder})` : ''}.`,
      nextStep: 'Stop it first, or choose another folder with --data-dir.',
      cause,
    })
  }
  const own = lock
  held.add(own)
  const release = () => {
    rmSync(pidFile, { force: true })
    held.delete(own)
    own.close()
  }
  try {
    writeFileSync(pidFile, `${process.pid}\n`)
  } catch (cause) {
    release()
    throw dataFolderFault(folder, cause)
  }
  return { release }
}

function readHolder(pidFile: string): number | undefined {
  try {
    return Number.parseInt(readFileSync(pidFile, 'utf8'), 10) || undefined
  } catch {
    return undefined // It has just ended, or has just begun.
  }
}
