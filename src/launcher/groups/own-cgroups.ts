/** Where this process stands in the kernel's hierarchies of control groups, and where these can be seen: cgroups(7). */
import { readFileSync } from 'node:fs'
import { join } from 'node:path'

/** One mounted hierarchy. */
export interface Hierarchy {
  /** Of version 1: `memory`, `cpu` and so on; empty for version 2, which has one hierarchy for all. */
  readonly controllers: readonly string[]
  /** Its topmost group that can be seen from here. */
  readonly top: string
  /** Folder of the group this process is in; undefined when that lies outside of what can be seen. */
  readonly own: string | undefined
}

export function ownHierarchies(): Hierarchy[] {
  return hierarchiesOf(readFileSync('/proc/self/mountinfo', 'utf8'), readFileSync('/proc/self/cgroup', 'utf8'))
}

/** Those of another process, as they can be seen from here; none when it has ended. */
export function hierarchiesOfProcess(pid: number): Hierarchy[] {
  try {
    return hierarchiesOf(readFileSync('/proc/self/mountinfo', 'utf8'), readFileSync(`/proc/${pid}/cgroup`, 'utf8'))
  } catch {
    return []
  }
}

/** Both texts as in proc(5). Of a hierarchy that is mounted several times, the first place that shows its own group. */
export function hierarchiesOf(mountinfo: string, cgroup: string): Hierarchy[] {
  const memberships = cgroup.trim().split('\n').map(parseMembership)
  const found: Hierarchy[] = []
  for (const line of mountinfo.trim().split('\n')) {
    const mount = parseMount(line)
    if (!mount) continue
    const membership = memberships.find(({ controllers }) => isShownBy(controllers, mount))
    if (!membership) continue
    const own = folderOf(mount, membership.path)
    const hierarchy = { controllers: membership.controllers, top: mount.folder, own }
    const known = found.findIndex(({ controllers }) => controllers.join() === membership.controllers.join())
    if (known === -1) found.push(hierarchy)
    else if (found[known]?.own === undefined) found[known] = hierarchy
  }
  return found
}

interface Mount {
  readonly version: 1 | 2
  /** The group that is shown at `folder`. */
  readonly root: string
  readonly folder: string
  readonly options: readonly string[]
}

/** `36 35 0:30 ROOT FOLDER rw,relatime shared:9 - cgroup cgroup rw,memory` */
function parseMount(line: string): Mount | undefined {
  const [place = '', device = ''] = line.split(' - ')
  const [, , , root = '', folder = ''] = place.split(' ')
  const [type, , options = ''] = device.split(' ')
  if (type !== 'cgroup' && type !== 'cgroup2') return undefined
  return {
    version: type === 'cgroup' ? 1 : 2,
    root: unescaped(root),
    folder: unescaped(folder),
    options: options.split(','),
  }
}

/** `4:memory:/system.slice/orrery.service`, and `0::/` for version 2. */
function parseMembership(line: string): { controllers: string[]; path: string } {
  const [, controllers = '', ...path] = line.split(':')
  return { controllers: controllers.split(',').filter(name => name !== ''), path: path.join(':') }
}

function isShownBy(controllers: readonly string[], { version, options }: Mount): boolean {
  if (version === 2) return controllers.length === 0
  return controllers.length > 0 && controllers.every(name => options.includes(name))
}

function folderOf({ root, folder }: Mount, path: string): string | undefined {
  // A path that begins with `/..` lies above the namespace of this process.
  if (path.startsWith('/..')) return undefined
  if (root === '/') return join(folder, path).replace(/\/$/, '')
  if (path === root) return folder
  return path.startsWith(`${root}/`) ? join(folder, path.slice(root.length)) : undefined
}

/** Blanks and backslashes stand as three octal digits. */
function unescaped(text: string): string {
  return text.replace(/\\([0-7]{3})/g, (_, digits: string) => String.fromCharCode(Number.parseInt(digits, 8)))
}
