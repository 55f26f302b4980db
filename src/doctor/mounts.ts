import { readFileSync } from 'node:fs'

export interface Mount {
  readonly folder: string
  /** `ext4`, `nfs4`, `cgroup2` */
  readonly type: string
  /** `rw,relatime` */
  readonly options: string
}

/** All of this process, the newest last. Empty where there is no /proc. */
export function readMounts(): Mount[] {
  try {
    return readFileSync('/proc/self/mounts', 'utf8')
      .split('\n')
      .filter(line => line !== '')
      .map(line => {
        const [, folder = '', type = '', options = ''] = line.split(' ')
        // Blanks in paths are written as octal numbers, see fstab(5).
        return {
          folder: folder.replace(/\\([0-7]{3})/g, (_, code) => String.fromCharCode(Number.parseInt(code, 8))),
          type,
          options,
        }
      })
  } catch {
    return []
  }
}

/** The one that has this path on it; undefined where that is not known. */
export function mountOf(path: string): Mount | undefined {
  const above = readMounts().filter(({ folder }) => folder === '/' || path === folder || path.startsWith(`${folder}/`))
  // Of two on one folder the later one hides the other.
  return above.reduce<Mount | undefined>(
    (best, one) => (best && best.folder.length > one.folder.length ? best : one),
    undefined,
  )
}
