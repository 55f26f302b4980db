/** Version 1, a hierarchy for each controller: Documentation/admin-guide/cgroup-v1 of the kernel. */
import { join } from 'node:path'
import type { GroupUsage, Guarantees, Limits } from './group.ts'
import { makeFolder, pidsIn, readEntry, readNumber, removeFolder, writeIfThere, writeValue } from './group-files.ts'
import { killAll } from './kill-all.ts'

/** One folder in each hierarchy; several of them are the same where a hierarchy has several controllers. */
export interface Cgroup1Folders {
  readonly kind: 'cgroup1'
  readonly memory: string
  readonly cpu?: string
  readonly cpuacct?: string
  readonly pids?: string
}

export const CONTROLLERS = ['memory', 'cpu', 'cpuacct', 'pids'] as const

const PERIOD_US = 100_000
const LEAST_QUOTA_US = 1_000
const USUAL_SHARES = 1_024
const SHARES_OF_A_CORE = 10_240
const LARGEST_SHARES = 262_144
const NONE = -1

/** Throws where a limit cannot be set. What is left of an earlier run is in it, too. */
export function make(group: Cgroup1Folders, limits: Limits, guarantees: Guarantees): void {
  const folders = foldersOf(group)
  const isNew = folders.map(makeFolder).every(made => made)
  const { memory, cpu, pids } = group
  if (!isNew) {
    // The limit with swap is never below that without, so they are raised in this order and lowered in the other.
    writeIfThere(memory, 'memory.memsw.limit_in_bytes', NONE)
    writeValue(memory, 'memory.limit_in_bytes', NONE)
  }
  if (limits.memoryBytes !== undefined) {
    writeValue(memory, 'memory.limit_in_bytes', limits.memoryBytes)
    // Not there where the kernel does not count swap.
    writeIfThere(memory, 'memory.memsw.limit_in_bytes', limits.memoryBytes)
  }
  if (guarantees.memoryBytes !== undefined || !isNew) {
    // What is above is what the kernel takes away first when memory is short.
    writeValue(memory, 'memory.soft_limit_in_bytes', guarantees.memoryBytes ?? NONE)
  }
  if (cpu && (limits.cpus !== undefined || !isNew)) {
    writeValue(cpu, 'cpu.cfs_period_us', PERIOD_US)
    writeValue(cpu, 'cpu.cfs_quota_us', limits.cpus === undefined ? NONE : quotaOf(limits.cpus))
  }
  if (cpu && (guarantees.cpus !== undefined || !isNew)) writeValue(cpu, 'cpu.shares', sharesOf(guarantees.cpus ?? 0))
  if (pids && (limits.tasks !== undefined || !isNew)) writeValue(pids, 'pids.max', limits.tasks ?? 'max')
}

export function entriesOf(group: Cgroup1Folders): string[] {
  return foldersOf(group).map(folder => join(folder, 'cgroup.procs'))
}

export function usageOf({ memory, cpu, cpuacct, pids }: Cgroup1Folders): GroupUsage | undefined {
  const used = readNumber(memory, 'memory.usage_in_bytes')
  if (used === undefined) return undefined
  const memoryLimitBytes = readNumber(memory, 'memory.limit_in_bytes')
  const quota = readIn(cpu, 'cpu.cfs_quota_us')
  const tasks = readIn(pids, 'pids.current')
  const taskLimit = readIn(pids, 'pids.max')
  return {
    memoryBytes: Math.max(0, used - (readEntry(memory, 'memory.stat', 'total_inactive_file') ?? 0)),
    ...(memoryLimitBytes !== undefined && { memoryLimitBytes }),
    cpuSeconds: (readIn(cpuacct, 'cpuacct.usage') ?? 0) / 1e9,
    ...(quota !== undefined && { cpuLimit: quota / (readIn(cpu, 'cpu.cfs_period_us') ?? PERIOD_US) }),
    processes: pidsIn(memory).length,
    ...(tasks !== undefined && { tasks }),
    ...(taskLimit !== undefined && { taskLimit }),
  }
}

function readIn(folder: string | undefined, file: string): number | undefined {
  return folder === undefined ? undefined : readNumber(folder, file)
}

/** Counted since Linux 4.13. */
export function memoryKillsOf({ memory }: Cgroup1Folders): number {
  return readEntry(memory, 'memory.oom_control', 'oom_kill') ?? 0
}

export function kill({ memory }: Cgroup1Folders): void {
  killAll(() => pidsIn(memory))
}

export function remove(group: Cgroup1Folders): boolean {
  return foldersOf(group)
    .map(removeFolder)
    .every(removed => removed)
}

function foldersOf({ memory, cpu, cpuacct, pids }: Cgroup1Folders): string[] {
  return [...new Set([memory, cpu, cpuacct, pids].filter(folder => folder !== undefined))]
}

function quotaOf(cpus: number): number {
  return Math.max(LEAST_QUOTA_US, Math.round(cpus * PERIOD_US))
}

function sharesOf(cpus: number): number {
  return Math.min(LARGEST_SHARES, Math.round(USUAL_SHARES + cpus * SHARES_OF_A_CORE))
}
