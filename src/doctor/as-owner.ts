import type { Owner } from '../app/data-folder.ts'

/**
 * Runs something that waits for nothing as somebody else, so that what it makes is theirs: SQLite makes files beside a
 * database, and root's own would lock the hub out. Only for a check that runs alone, as all threads change with it.
 */
export function asOwner<T>(owner: Owner | undefined, task: () => T): T {
  if (!owner || owner.uid === 0 || process.getuid?.() !== 0) return task()
  process.setegid!(owner.gid)
  process.seteuid!(owner.uid)
  try {
    return task()
  } finally {
    process.seteuid!(0)
    process.setegid!(0)
  }
}
