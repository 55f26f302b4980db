import { readFileSync, rmSync, writeFileSync } from 'node:fs'
import { HubError } from '../../core/errors.ts'
import { translateDatabaseError } from '../../db/database-errors.ts'
import { type FileLock, tryLockFile } from '../../db/file-lock.ts'
import { dataFolderFault } from '../data-folder.ts'

/**
 * Takes the lock of the data folder, which the kernel drops with this process. Throws HubError `data_folder_in_use` when
 * another has it.
 */
export function lockFolder(file: string, folder: string): { release(): void } {
  const pidFile = `${file}.pid`
  const lock = takeLock(file)
  if (!lock) {
    const holder = readHolder(pidFile)
    throw new HubError('data_folder_in_use', {
      status: 503,
      message: `Another Orrery runs on ${folder}${holder ? ` (process ${holder})` : ''}.`,
      nextStep: 'Stop it first, or choose another folder with --data-dir.',
    })
  }
  const release = () => {
    rmSync(pidFile, { force: true })
    lock.release()
  }
  try {
    writeFileSync(pidFile, `${process.pid}\n`)
  } catch (cause) {
    release()
    throw dataFolderFault(folder, cause)
  }
  return { release }
}

function takeLock(file: string): FileLock | undefined {
  try {
    return tryLockFile(file)
  } catch (cause) {
    throw translateDatabaseError(cause, `sqlite:///${file}`)
  }
}

function readHolder(pidFile: string): number | undefined {
  try {
    return Number.parseInt(readFileSync(pidFile, 'utf8'), 10) || undefined
  } catch {
    return undefined // It has just ended, or has just begun.
  }
}
