/** Where this launcher may make groups for servers, and of which kind. */
import { accessSync, constants, existsSync, mkdirSync } from 'node:fs'
import { basename, dirname, join } from 'node:path'
import * as cgroup1 from './cgroup1.ts'
import * as cgroup2 from './cgroup2.ts'
import { isDelegated } from './delegated.ts'
import type { Group } from './group.ts'
import { pidsIn, readValue, writeValue } from './group-files.ts'
import { type Hierarchy, ownHierarchies } from './own-cgroups.ts'

export interface GroupsPlace {
  readonly kind: 'cgroup2' | 'cgroup1'
  /** Folders that hold the groups of servers, one for each hierarchy. */
  readonly bases: readonly string[]
  /** Which limits hold in them. */
  readonly holds: { readonly memory: boolean; readonly cpus: boolean; readonly tasks: boolean }
  groupAt(name: string): Group
}

/** Where processes go that stand in the way: a group with controllers for others has no processes of its own. */
const LEAF = 'orrery-launcher'

/** `name`: of the folder of this launcher's groups. Undefined where the kernel or the system leaves none to it. */
export function findGroupsPlace(name: string, asRoot: boolean): GroupsPlace | undefined {
  const hierarchies = ownHierarchies()
  const second = hierarchies.find(({ controllers }) => controllers.length === 0)
  if (second && (readValue(second.top, 'cgroup.controllers') ?? '').split(' ').includes('memory')) {
    return placeOfVersion2(second, name, asRoot)
  }
  return placeOfVersion1(hierarchies, name)
}

function placeOfVersion2(hierarchy: Hierarchy, name: string, asRoot: boolean): GroupsPlace | undefined {
  const parent = parentOfVersion2(hierarchy, asRoot)
  if (!parent || !isWritable(parent)) return undefined
  makeRoom(parent)
  cgroup2.handOn(parent)
  const base = join(parent, name)
  const controllers = cgroup2.makeBase(base)
  if (!controllers.includes('memory')) return undefined
  return {
    kind: 'cgroup2',
    bases: [base],
    holds: { memory: true, cpus: controllers.includes('cpu'), tasks: controllers.includes('pids') },
    groupAt: server => ({ kind: 'cgroup2', folder: join(base, server) }),
  }
}

/**
 * What systemd has delegated; else the top: nobody else's group may be given controllers, and one of systemd's for this
 * program would have to be empty when it is started anew, while servers go on. Engines of containers do the same.
 */
function parentOfVersion2({ own, top }: Hierarchy, asRoot: boolean): string | undefined {
  if (own !== undefined && own !== top) {
    const parent = dirname(own)
    if (basename(own) === LEAF || isDelegated(parent)) return parent
    if (isDelegated(own)) return own
  }
  return asRoot ? top : undefined
}

/** The topmost group of all may have processes; that of a container may not. */
function makeRoom(parent: string): void {
  if (!existsSync(join(parent, 'cgroup.type'))) return
  const leaf = join(parent, LEAF)
  for (let round = 0; round < 10; round++) {
    const pids = pidsIn(parent)
    if (pids.length === 0) return
    mkdirSync(leaf, { recursive: true })
    for (const pid of pids) {
      try {
        writeValue(leaf, 'cgroup.procs', pid)
      } catch (error) {
        if ((error as NodeJS.ErrnoException).code !== 'ESRCH') throw error
      }
    }
  }
}

/** Below this process's own groups, so that limits of these hold for servers too. */
function placeOfVersion1(hierarchies: readonly Hierarchy[], name: string): GroupsPlace | undefined {
  const folders: Partial<Record<(typeof cgroup1.CONTROLLERS)[number], string>> = {}
  for (const controller of cgroup1.CONTROLLERS) {
    const own = hierarchies.find(({ controllers }) => controllers.includes(controller))?.own
    if (own === undefined || !isWritable(own)) continue
    folders[controller] = join(own, name)
    mkdirSync(folders[controller], { recursive: true })
  }
  const { memory, cpu, cpuacct, pids } = folders
  if (memory === undefined) return undefined
  return {
    kind: 'cgroup1',
    bases: [...new Set(Object.values(folders))],
    holds: { memory: true, cpus: cpu !== undefined, tasks: pids !== undefined },
    groupAt: server => ({
      kind: 'cgroup1',
      memory: join(memory, server),
      ...(cpu !== undefined && { cpu: join(cpu, server) }),
      ...(cpuacct !== undefined && { cpuacct: join(cpuacct, server) }),
      ...(pids !== undefined && { pids: join(pids, server) }),
    }),
  }
}

function isWritable(folder: string): boolean {
  try {
    accessSync(folder, constants.W_OK)
    return true
  } catch {
    return false
  }
}
