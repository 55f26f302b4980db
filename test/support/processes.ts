import { readdirSync, readFileSync } from 'node:fs'

export interface ProcessInfo {
  readonly pid: number
  readonly parent: number
  readonly uid: number
  readonly command: readonly string[]
}

/** Every process of the machine, as /proc shows it now. */
export function listProcesses(): ProcessInfo[] {
  return readdirSync('/proc')
    .filter(name => /^\d+$/.test(name))
    .flatMap(name => {
      const info = readProcess(Number(name))
      return info ? [info] : []
    })
}

/** Undefined when it is gone, or a zombie that nobody has reaped yet. */
export function readProcess(pid: number): ProcessInfo | undefined {
  try {
    const status = readFileSync(`/proc/${pid}/status`, 'utf8')
    if (/^State:\s+Z/m.test(status)) return undefined
    return {
      pid,
      parent: Number(/^PPid:\s+(\d+)/m.exec(status)?.[1]),
      uid: Number(/^Uid:\s+(\d+)/m.exec(status)?.[1]),
      command: readFileSync(`/proc/${pid}/cmdline`, 'utf8').split('\0').slice(0, -1),
    }
  } catch {
    return undefined
  }
}

/** All descendants of a process. */
export function descendants(pid: number): ProcessInfo[] {
  const all = listProcesses()
  const below = (parent: number): ProcessInfo[] =>
    all.filter(info => info.parent === parent).flatMap(info => [info, ...below(info.pid)])
  return below(pid)
}

/** Kills a process with its whole process group, if it is still there. */
export function endGroup(pid: number): void {
  try {
    process.kill(-pid, 'SIGKILL')
  } catch {
    // It is gone already.
  }
}
