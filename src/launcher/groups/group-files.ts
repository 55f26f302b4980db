/** Files of the kernel's; each is read or written with one call, and waits for nothing that takes long. */
import { mkdirSync, readdirSync, readFileSync, rmdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'

/** Undefined when the file, or the whole group, is not there. */
export function readValue(folder: string, file: string): string | undefined {
  try {
    return readFileSync(join(folder, file), 'utf8').trim()
  } catch (error) {
    if (isGone(error)) return undefined
    throw error
  }
}

/** Undefined for what is not limited, too: `max`, and the largest number of version 1. */
export function readNumber(folder: string, file: string): number | undefined {
  const text = readValue(folder, file)
  const number = text === undefined || text === '' || text === 'max' ? undefined : Number(text)
  return number === undefined || number < 0 || number >= UNLIMITED ? undefined : number
}

/** The number after a word of a file such as `memory.stat`. */
export function readEntry(folder: string, file: string, name: string): number | undefined {
  const match = new RegExp(`^${name} (\\d+)$`, 'm').exec(readValue(folder, file) ?? '')
  return match ? Number(match[1]) : undefined
}

export function writeValue(folder: string, file: string, value: string | number): void {
  writeFileSync(join(folder, file), String(value))
}

/** For what only some kernels have. */
export function writeIfThere(folder: string, file: string, value: string | number): void {
  try {
    writeValue(folder, file, value)
  } catch (error) {
    if (!isGone(error)) throw error
  }
}

export function pidsIn(folder: string): number[] {
  return (readValue(folder, 'cgroup.procs') ?? '').split('\n').filter(Boolean).map(Number)
}

/** Names of the groups in a group; none when it is not there, as after the end of another launcher of the same folder. */
export function foldersIn(folder: string): string[] {
  try {
    return readdirSync(folder, { withFileTypes: true })
      .filter(entry => entry.isDirectory())
      .map(({ name }) => name)
  } catch (error) {
    if (isGone(error)) return []
    throw error
  }
}

/** A new group, without what an earlier one has counted where nothing is left in that; false when something is. */
export function makeFolder(folder: string): boolean {
  if (!removeFolder(folder)) return false
  mkdirSync(folder, { mode: 0o755 })
  return true
}

/** False when there are processes in it. */
export function removeFolder(folder: string): boolean {
  try {
    rmdirSync(folder)
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException
    if (code === 'EBUSY' || code === 'ENOTEMPTY') return false
    if (code !== 'ENOENT') throw error
  }
  return true
}

/** Pages and bytes are far below. */
const UNLIMITED = 2 ** 60

function isGone(error: unknown): boolean {
  const { code } = error as NodeJS.ErrnoException
  return code === 'ENOENT' || code === 'ENODEV'
}
