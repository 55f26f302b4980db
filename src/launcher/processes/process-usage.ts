/** What processes use as /proc tells it, where no group of the kernel's keeps count. */
import { readFileSync } from 'node:fs'
import type { ProcessInfo } from './process-info.ts'

export interface ProcessUsage {
  /** Shared pages are counted by the part that falls to each of those who share them, where that may be read. */
  readonly memoryBytes: number
  /** Of processes that have ended: as far as one of these has asked for their status. */
  readonly cpuSeconds: number
  readonly processes: number
}

/** Linux tells all programs of a hundred ticks a second, whatever it counts with itself. */
const TICKS_PER_SECOND = 100

export function usageOf(processes: readonly ProcessInfo[]): ProcessUsage {
  const found = processes.filter(info => !info.ended)
  return {
    memoryBytes: sum(found.map(({ pid }) => memoryOf(pid))),
    cpuSeconds: sum(found.map(({ pid }) => ticksOf(pid))) / TICKS_PER_SECOND,
    processes: found.length,
  }
}

function memoryOf(pid: number): number {
  const kilobytes =
    fieldOf(read(`/proc/${pid}/smaps_rollup`), 'Pss') ?? fieldOf(read(`/proc/${pid}/status`), 'VmRSS') ?? 0
  return kilobytes * 1024
}

/** Its own, and those of its children that it has waited for. */
function ticksOf(pid: number): number {
  const text = read(`/proc/${pid}/stat`)
  // As in process-info.ts: the name of the program may hold anything.
  const fields = text.slice(text.lastIndexOf(')') + 2).split(' ')
  return sum(fields.slice(11, 15).map(Number))
}

function fieldOf(text: string, name: string): number | undefined {
  const match = new RegExp(`^${name}:\\s+(\\d+) kB$`, 'm').exec(text)
  return match ? Number(match[1]) : undefined
}

/** Empty for a process that has just ended, or that may not be looked into. */
function read(path: string): string {
  try {
    return readFileSync(path, 'utf8')
  } catch {
    return ''
  }
}

function sum(numbers: readonly number[]): number {
  return numbers.reduce((total, number) => total + number, 0)
}
