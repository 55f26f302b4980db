/** Version 2: Documentation/admin-guide/cgroup-v2.rst of the kernel. */
import { existsSync, mkdirSync, readdirSync } from 'node:fs'
import { dirname, join } from 'node:path'
import type { GroupUsage, Guarantees, Limits } from './group.ts'
import {
  makeFolder,
  pidsIn,
  readEntry,
  readNumber,
  readValue,
  removeFolder,
  writeIfThere,
  writeValue,
} from './group-files.ts'
import { killAll } from './kill-all.ts'

export const CONTROLLERS = ['memory', 'cpu', 'pids'] as const

/** Of the time in which a share of the processors is measured out; what the kernel and systemd take too. */
const PERIOD_US = 100_000
/** The kernel takes no less. */
const LEAST_QUOTA_US = 1_000
const USUAL_WEIGHT = 100
const WEIGHT_OF_A_CORE = 1_000
const LARGEST_WEIGHT = 10_000

/** A folder of groups for servers. Returns the controllers that can be used in it. */
export function makeBase(folder: string): readonly string[] {
  mkdirSync(folder, { recursive: true })
  return handOn(folder)
}

/** Lets the groups below have the controllers that this one has. It must have no processes. */
export function handOn(folder: string): readonly string[] {
  const offered = (readValue(folder, 'cgroup.controllers') ?? '').split(' ')
  const wanted = CONTROLLERS.filter(name => offered.includes(name))
  if (wanted.length > 0) writeValue(folder, 'cgroup.subtree_control', wanted.map(name => `+${name}`).join(' '))
  return wanted
}

/** Throws where a limit cannot be set. What is left of an earlier run is in it, too. */
export function make(folder: string, limits: Limits, guarantees: Guarantees): void {
  const isNew = makeFolder(folder)
  const set = (file: string, value: string | number | undefined, usual: string | number) => {
    if (value !== undefined) writeValue(folder, file, value)
    else if (!isNew) writeIfThere(folder, file, usual)
  }
  set('memory.max', limits.memoryBytes, 'max')
  // Else a server that is over its limit goes on in the swap, and with it the whole machine slows down.
  if (limits.memoryBytes !== undefined || !isNew) {
    writeIfThere(folder, 'memory.swap.max', limits.memoryBytes === undefined ? 'max' : 0)
  }
  set('cpu.max', limits.cpus === undefined ? undefined : `${quotaOf(limits.cpus)} ${PERIOD_US}`, `max ${PERIOD_US}`)
  set('pids.max', limits.tasks, 'max')
  set('memory.low', guarantees.memoryBytes, 0)
  if (guarantees.memoryBytes !== undefined) protectBase(dirname(folder))
  set('cpu.weight', guarantees.cpus === undefined ? undefined : weightOf(guarantees.cpus), USUAL_WEIGHT)
}

export function entriesOf(folder: string): string[] {
  return [join(folder, 'cgroup.procs')]
}

export function usageOf(folder: string): GroupUsage | undefined {
  const memory = readNumber(folder, 'memory.current')
  if (memory === undefined) return undefined
  const memoryLimitBytes = readNumber(folder, 'memory.max')
  const [quota, period] = (readValue(folder, 'cpu.max') ?? 'max').split(' ')
  const tasks = readNumber(folder, 'pids.current')
  const taskLimit = readNumber(folder, 'pids.max')
  return {
    memoryBytes: Math.max(0, memory - (readEntry(folder, 'memory.stat', 'inactive_file') ?? 0)),
    ...(memoryLimitBytes !== undefined && { memoryLimitBytes }),
    cpuSeconds: (readEntry(folder, 'cpu.stat', 'usage_usec') ?? 0) / 1e6,
    ...(quota !== 'max' && { cpuLimit: Number(quota) / Number(period) }),
    processes: pidsIn(folder).length,
    ...(tasks !== undefined && { tasks }),
    ...(taskLimit !== undefined && { taskLimit }),
  }
}

export function memoryKillsOf(folder: string): number {
  return readEntry(folder, 'memory.events', 'oom_kill') ?? 0
}

export function kill(folder: string): void {
  // Since Linux 5.14; at once, so that nothing can fork faster than it is killed.
  if (existsSync(join(folder, 'cgroup.kill'))) writeIfThere(folder, 'cgroup.kill', 1)
  else killAll(() => pidsIn(folder))
}

export function remove(folder: string): boolean {
  return removeFolder(folder)
}

/** A group protects no more of what is in it than it is protected itself. */
function protectBase(folder: string): void {
  const groups = readdirSync(folder, { withFileTypes: true }).filter(entry => entry.isDirectory())
  const promised = groups.map(({ name }) => readNumber(join(folder, name), 'memory.low') ?? 0)
  writeValue(
    folder,
    'memory.low',
    promised.reduce((total, bytes) => total + bytes, 0),
  )
}

function quotaOf(cpus: number): number {
  return Math.max(LEAST_QUOTA_US, Math.round(cpus * PERIOD_US))
}

/** More than that of a server without a guarantee, in proportion to the cores. */
function weightOf(cpus: number): number {
  return Math.min(LARGEST_WEIGHT, Math.round(USUAL_WEIGHT + cpus * WEIGHT_OF_A_CORE))
}
