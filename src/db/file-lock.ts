import { DatabaseSync } from 'node:sqlite'

export interface FileLock {
  release(): void
}

/** A database that nobody refers to would be closed by the garbage collector, and its lock be gone. */
const held = new Set<DatabaseSync>()

/**
 * A lock that lives at most as long as this process, `kill -9` included: an exclusive lock of SQLite on a file of its own,
 * which the kernel drops with the process (docs/decisions/0003-one-lock-for-the-data-folder.md). Undefined when another
 * has it; any other error of SQLite says something about the disk and is thrown.
 */
export function tryLockFile(file: string): FileLock | undefined {
  let lock: DatabaseSync | undefined
  try {
    lock = new DatabaseSync(file, { timeout: 0 })
    lock.exec('pragma journal_mode = memory; begin exclusive')
  } catch (error) {
    lock?.close()
    if ((error as { errcode?: number }).errcode === SQLITE_BUSY) return undefined
    throw error
  }
  const own = lock
  held.add(own)
  return {
    release() {
      held.delete(own)
      own.close()
    },
  }
}

const SQLITE_BUSY = 5
