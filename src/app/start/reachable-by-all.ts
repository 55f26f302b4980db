import { realpathSync, statSync } from 'node:fs'
import { dirname } from 'node:path'

/** Can a user without any rights read this file or folder? Looks at it and at every folder above. */
export function isReachableByAll(path: string): boolean {
  let at = realpathSync(path)
  const { mode } = statSync(at)
  if ((mode & 0o004) === 0) return false
  for (at = statSync(at).isDirectory() ? at : dirname(at); ; at = dirname(at)) {
    if ((statSync(at).mode & 0o001) === 0) return false
    if (at === dirname(at)) return true
  }
}
