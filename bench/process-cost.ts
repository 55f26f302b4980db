/** What a process has cost so far, as /proc shows it. Linux only. */
import { readdirSync, readFileSync } from 'node:fs'

const CLOCK_TICKS = 100 // USER_HZ of every Linux that Node runs on

/** User and system time of the process and its threads, without its children: fields 14 and 15 of proc_pid_stat(5). */
export function cpuSecondsOf(pid: number): number {
  // Fields are counted behind the command's name, which may hold spaces.
  const stat = readFileSync(`/proc/${pid}/stat`, 'utf8')
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ')
  return (Number(fields[11]) + Number(fields[12])) / CLOCK_TICKS
}

/**
 * The same in nanoseconds instead of ticks of 10 ms, from proc_pid_schedstat; threads that have ended are not counted,
 * so it is for differences over a short while.
 */
export function threadSecondsOf(pid: number): number {
  let nanoseconds = 0
  for (const thread of readdirSync(`/proc/${pid}/task`)) {
    nanoseconds += Number(readFileSync(`/proc/${pid}/task/${thread}/schedstat`, 'utf8').split(' ')[0])
  }
  return nanoseconds / 1e9
}

export interface Memory {
  /** In RAM, shared libraries counted for each process that has them. */
  readonly rssMegabytes: number
  /** The same, what several processes share counted for each in its part. */
  readonly pssMegabytes: number
  /** What no other process shares. */
  readonly privateMegabytes: number
}

export function memoryOf(pid: number): Memory {
  const rollup = readFileSync(`/proc/${pid}/smaps_rollup`, 'utf8')
  const megabytes = (field: string) => Number(new RegExp(`^${field}:\\s+(\\d+) kB`, 'm').exec(rollup)?.[1]) / 1024
  return {
    rssMegabytes: megabytes('Rss'),
    pssMegabytes: megabytes('Pss'),
    privateMegabytes: megabytes('Private_Clean') + megabytes('Private_Dirty'),
  }
}

export function median(numbers: readonly number[]): number {
  const sorted = numbers.toSorted((a, b) => a - b)
  const middle = Math.floor(sorted.length / 2)
  return sorted.length % 2 === 1 ? sorted[middle]! : (sorted[middle - 1]! + sorted[middle]!) / 2
}
