/** The control group of one server: what is set, told and done by its files, for both versions of the kernel's interface. */
import type { Cgroup1Folders } from './cgroup1.ts'
import * as cgroup1 from './cgroup1.ts'
import * as cgroup2 from './cgroup2.ts'

/** What a server may use at most. */
export interface Limits {
  readonly memoryBytes?: number | undefined
  readonly cpus?: number | undefined
  /** Processes and threads. */
  readonly tasks?: number | undefined
}

/** What it is to get when others want it too. */
export interface Guarantees {
  readonly memoryBytes?: number | undefined
  readonly cpus?: number | undefined
}

/** Where it lies; kept in the record of the server. */
export type Group = { readonly kind: 'cgroup2'; readonly folder: string } | Cgroup1Folders

export interface GroupUsage {
  /** Without what the kernel keeps of files and would give up at once. */
  readonly memoryBytes: number
  readonly memoryLimitBytes?: number
  readonly cpuSeconds: number
  readonly cpuLimit?: number
  readonly processes: number
  readonly tasks?: number
  readonly taskLimit?: number
}

/** The files into which a process writes `0` to join. */
export function entriesOf(group: Group): string[] {
  return group.kind === 'cgroup2' ? cgroup2.entriesOf(group.folder) : cgroup1.entriesOf(group)
}

/** Undefined when it is gone. */
export function usageOfGroup(group: Group): GroupUsage | undefined {
  return group.kind === 'cgroup2' ? cgroup2.usageOf(group.folder) : cgroup1.usageOf(group)
}

/** How many of its processes the kernel has killed because the memory of the group was used up. */
export function memoryKillsOf(group: Group): number {
  return group.kind === 'cgroup2' ? cgroup2.memoryKillsOf(group.folder) : cgroup1.memoryKillsOf(group)
}

/** Kills whatever is in it, what is being forked too. */
export function killGroup(group: Group): void {
  if (group.kind === 'cgroup2') cgroup2.kill(group.folder)
  else cgroup1.kill(group)
}

/** False when there still are processes in it. */
export function removeGroup(group: Group): boolean {
  return group.kind === 'cgroup2' ? cgroup2.remove(group.folder) : cgroup1.remove(group)
}
