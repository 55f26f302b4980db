import { chmodSync, lstatSync, mkdirSync } from 'node:fs'
import { dirname, resolve } from 'node:path'
import { Refusal } from './refusal.ts'

/**
 * Makes a folder that only the launcher's own user can look into, and proves that nobody else can put another in its
 * place: it and every folder above it belong to root or the launcher's user, are no symbolic links, and are not
 * writable by others (a sticky folder such as /tmp protects what lies in it). So files in it can be opened safely.
 */
export function privateDirectory(path: string): string {
  const full = resolve(path)
  makeDirectories(full)
  const own = process.getuid?.() ?? 0
  const self = lstatSync(full)
  if (self.uid !== own) throw unsafe(full, 'belongs to somebody else')
  if ((self.mode & 0o077) !== 0) chmodSync(full, 0o700)
  assertUnmovable(full)
  return full
}

/** Throws where somebody other than root and the launcher's own user could swap the folder or one above it. */
export function assertUnmovable(path: string): void {
  const own = process.getuid?.() ?? 0
  for (let at = resolve(path); ; at = dirname(at)) {
    const entry = lstatSync(at)
    if (!entry.isDirectory()) throw unsafe(at, entry.isSymbolicLink() ? 'is a symbolic link' : 'is not a folder')
    if (entry.uid !== 0 && entry.uid !== own) throw unsafe(at, 'belongs to somebody else')
    const sticky = (entry.mode & 0o1000) !== 0
    if ((entry.mode & 0o022) !== 0 && !sticky) throw unsafe(at, 'can be written by others')
    if (at === dirname(at)) return
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
