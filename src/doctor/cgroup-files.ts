/** Control groups as /proc and /sys show them: version 2, version 1, or both beside each other. */
import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { hierarchiesOfProcess } from '../launcher/groups/own-cgroups.ts'

/** Folder of a process's group that has this controller's files; undefined where there is none. */
export function cgroupOf(pid: number, controller: string): string | undefined {
  return hierarchiesOfProcess(pid)
    .filter(({ controllers }) => controllers.length === 0 || controllers.includes(controller))
    .map(({ own }) => own)
    .find(folder => folder !== undefined && existsSync(join(folder, `${controller}.max`)))
}

export function readCgroup(folder: string, file: string): string | undefined {
  try {
    return readFileSync(join(folder, file), 'utf8').trim()
  } catch {
    return undefined
  }
}
