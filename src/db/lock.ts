import { mkdir, readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { HubError } from '../core/errors.ts'
import { translateDatabaseError } from './database-errors.ts'

/** Held for as long as the process lives; the kernel frees it however the process ends. */
export interface FolderLock {
  release(): void
}

/**
 * Makes sure that one process of a kind works on a data folder: holds an exclusive transaction on a small SQLite file
 * in its `run` folder. Throws HubError `data_dir_in_use`, naming the other's pid.
 */
export async function lockFolder(folder: string, kind = 'hub'): Promise<FolderLock> {
  const run = join(folder, 'run')
  await mkdir(run, { recursive: true })
  const pidFile = join(run, `${kind}.lock.pid`)
  const sqlite = tryLock(join(run, `${kind}.lock`))
  if (!sqlite) throw inUse(folder, kind, (await readFile(pidFile, 'utf8').catch(() => '')).trim())
  await writeFile(pidFile, `${process.pid}\n`)
  return { release: () => sqlite.isOpen && sqlite.close() }
}

function tryLock(file: string): DatabaseSync | undefined {
  let sqlite: DatabaseSync | undefined
  try {
    sqlite = new DatabaseSync(file, { timeout: 0 })
    sqlite.exec('pragma journal_mode = memory; begin exclusive')
    return sqlite
  } catch (error) {
    sqlite?.close()
    const fault = translateDatabaseError(error, file)
    if (fault instanceof HubError && fault.code === 'database_locked') return undefined
    throw fault
  }
}

function inUse(folder: string, kind: string, pid: string): HubError {
  return new HubError('data_dir_in_use', {
    status: 500,
    message: `Another ${kind} works on ${folder}${pid === '' ? '' : ` (process ${pid})`}.`,
    nextStep: 'Stop it first, or give this one a folder of its own with --data-dir.',
    detail: { folder, pid },
  })
}
