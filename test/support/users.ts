import { execFileSync } from 'node:child_process'
import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { basename, join } from 'node:path'
import { readProcess } from './processes.ts'

/**
 * Servers go on when Orrery ends. Ends those that the launcher of a data folder has on record, and removes the Linux
 * users that it made for accounts, with their homes.
 */
export function removeWhatServersLeft(dataDir: string): void {
  for (const file of list(join(dataDir, 'launcher/records'))) {
    const { pid } = JSON.parse(readFileSync(file, 'utf8')) as { pid: number } // written by the launcher
    if (readProcess(pid)) process.kill(-pid, 'SIGKILL')
  }
  if (process.getuid?.() !== 0) return
  for (const file of list(join(dataDir, 'launcher/accounts'))) {
    const user = basename(file, '.json')
    quietly('pkill', '-KILL', '-u', user)
    quietly('userdel', '--remove', '--force', user)
  }
}

function list(folder: string): string[] {
  return existsSync(folder) ? readdirSync(folder).map(name => join(folder, name)) : []
}

/** pkill fails when there is nothing to end, userdel warns of a mail folder that never was. */
function quietly(command: string, ...args: string[]): void {
  try {
    execFileSync(command, args, { stdio: 'ignore' })
  } catch {
    // See above; what is left behind has a name that no other run uses.
  }
}
