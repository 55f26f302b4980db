/** The processes of a running Orrery, as /proc shows them. */
import { readFileSync, readlinkSync } from 'node:fs'
import { findProcess, listProcesses } from '../launcher/processes/process-info.ts'

export const PARTS = ['hub', 'proxy', 'launcher'] as const
export type PartName = (typeof PARTS)[number]

export function isAlive(pid: number): boolean {
  const info = findProcess(pid)
  return info !== undefined && !info.ended
}

/** Children of `orrery start` by what they are; those that it runs in another way, or that are away, are missing. */
export function partsOf(supervisor: number): ReadonlyMap<PartName, number> {
  const children = listProcesses().filter(info => info.parent === supervisor && !info.ended)
  const parts = new Map<PartName, number>()
  for (const { pid } of children) {
    const words = commandOf(pid)
    const main = words.findIndex(word => /\bcli\/main\.(ts|js)$/.test(word))
    const part = PARTS.find(name => main > 0 && words[main + 1] === name)
    if (part && !parts.has(part)) parts.set(part, pid)
  }
  return parts
}

/** `key: value` lines of /proc/PID/status and the like; undefined where it may not be read. */
export function readProc(pid: number | 'self', name: string): string | undefined {
  try {
    return readFileSync(`/proc/${pid}/${name}`, 'utf8')
  } catch {
    return undefined
  }
}

/** Soft limit of open files; undefined where it may not be read. */
export function openFilesLimit(pid: number | 'self'): number | undefined {
  const [, soft] = /^Max open files\s+(\S+)/m.exec(readProc(pid, 'limits') ?? '') ?? []
  return soft === undefined ? undefined : soft === 'unlimited' ? Number.POSITIVE_INFINITY : Number(soft)
}

/** Which namespace of mounts it lives in; undefined where it may not be read. */
export function mountsOf(pid: number): string | undefined {
  try {
    return readlinkSync(`/proc/${pid}/ns/mnt`)
  } catch {
    return undefined
  }
}

function commandOf(pid: number): string[] {
  return (readProc(pid, 'cmdline') ?? '').split('\0')
}
