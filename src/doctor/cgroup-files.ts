/** Control groups as /proc and /sys show them: version 2, version 1, or both beside each other. */
import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { readMounts } from './mounts.ts'
import { readProc } from './processes.ts'

/** Folder of a process's group that has this controller's files; undefined where there is none. */
export function cgroupOf(pid: number | 'self', controller: string): string | undefined {
  const lines = (readProc(pid, 'cgroup') ?? '').split('\n').map(line => line.split(':'))
  const mounts = readMounts()
  for (const [, controllers = '', ...path] of lines) {
    const isUnified = controllers === ''
    if (!isUnified && !controllers.split(',').includes(controller)) continue
    const mount = isUnified
      ? mounts.find(({ type }) => type === 'cgroup2')
      : mounts.find(({ type, options }) => type === 'cgroup' && options.split(',').includes(controller))
    if (!mount) continue
    const folder = join(mount.folder, path.join(':'))
    if (existsSync(folder) && (!isUnified || existsSync(join(folder, `${controller}.max`)))) return folder
  }
  return undefined
}

export function readCgroup(folder: string, file: string): string | undefined {
  try {
    return readFileSync(join(folder, file), 'utf8').trim()
  } catch {
    return undefined
  }
}
