import { chmodSync, lstatSync, mkdirSync, realpathSync } from 'node:fs'
import { dirname, resolve } from 'node:path'
import { Refusal } from './refusal.ts'

/**
 * Makes a folder that only the launcher's own user can look into. As root it also proves that nobody else can put
 * another in its place, so files in it can be opened safely.
 */
export function privateDirectory(path: string): string {
  const full = resolve(path)
  makeDirectories(full)
  const own = process.getuid?.() ?? 0
  const self = lstatSync(full)
  if (!self.isDirectory()) throw unsafe(full, self.isSymbolicLink() ? 'is a symbolic link' : 'is not a folder')
  if (self.uid !== own) throw unsafe(full, 'belongs to somebody else')
  if ((self.mode & 0o077) !== 0) chmodSync(full, 0o700)
  // Homes of ordinary users are often writable for their group; without privilege there is nothing to be gained.
  if (own === 0) assertUnmovable(full)
  return full
}

/**
 * Throws where somebody other than root could swap the folder or one above it: each belongs to root and cannot be
 * written by others (what lies in a sticky folder such as /tmp cannot be moved by others either). Symbolic links of
 * root's on the way are followed: /var may lie on another disk.
 */
export function assertUnmovable(path: string): void {
  const full = resolve(path)
  for (const start of new Set([full, realpathSync(full)])) {
    for (let at = start; ; at = dirname(at)) {
      const entry = lstatSync(at)
      if (entry.uid !== 0) throw unsafe(at, 'belongs to somebody else')
      const writable = entry.isDirectory() && (entry.mode & 0o022) !== 0 && (entry.mode & 0o1000) === 0
      if (writable) throw unsafe(at, 'can be written by others')
      if (at === dirname(at)) break
    }
  }
}

function makeDirectories(path: string): void {
  // One level at a time with a fixed mode: mkdir's `recursive` would leave the middle ones to the umask.
  const missing: string[] = []
  for (let at = path; !exists(at); at = dirname(at)) missing.unshift(at)
  for (const at of missing) {
    mkdirSync(at, { mode: at === path ? 0o700 : 0o755 })
    chmodSync(at, at === path ? 0o700 : 0o755)
  }
}

function exists(path: string): boolean {
  return lstatSync(path, { throwIfNoEntry: false }) !== undefined
}

function unsafe(path: string, why: string): Refusal {
  return new Refusal(
    'folder_unsafe',
    `${path} ${why}, so the launcher keeps nothing in it.`,
    'Give the launcher a folder below folders that belong to root alone.',
  )
}
