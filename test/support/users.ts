import { execFileSync } from 'node:child_process'

/** Removes the Linux users that a hub started as root made for its accounts, with their homes. Not root: none were made. */
export function removeMadeAccounts(names: readonly string[], prefix = 'jupyter-'): void {
  if (process.getuid?.() !== 0) return
  for (const name of names) {
    try {
      execFileSync('pkill', ['-KILL', '-u', `${prefix}${name}`], { stdio: 'ignore' })
    } catch {
      // Status 1: no process was left, or no such user.
    }
    try {
      execFileSync('userdel', ['--remove', '--force', `${prefix}${name}`], { stdio: 'ignore' })
    } catch {
      // It was never made: the test failed before.
    }
  }
}
