import { existsSync, statSync } from 'node:fs'
import { dirname } from 'node:path'

/**
 * What root makes beside the hub's files, the hub, which runs as somebody else, could not change; and it could lead root
 * astray there with links. So root becomes the owner of `path`, or of the folder that it will be made in, for good.
 */
export function becomeOwnerOf(path: string): void {
  if (process.getuid?.() !== 0) return
  let at = path
  while (!existsSync(at) && at !== dirname(at)) at = dirname(at)
  const { uid, gid } = statSync(at)
  if (uid === 0) return
  process.setgroups?.([])
  process.setgid?.(gid)
  process.setuid?.(uid)
}
