/** The control group that systemd has made for a unit: read for what a server uses, never written to. */
import { CONTROLLERS } from '../groups/cgroup1.ts'
import type { Group } from '../groups/group.ts'
import { readValue } from '../groups/group-files.ts'
import { type Hierarchy, hierarchiesOfProcess, ownHierarchies } from '../groups/own-cgroups.ts'
import type { LimitsThatHold } from '../protocol.ts'

/** Undefined where the process has ended, or where no memory is counted for it. */
export function groupOfProcess(pid: number): Group | undefined {
  const hierarchies = hierarchiesOfProcess(pid)
  const second = hierarchies.find(hasMemory)
  if (second) return second.own === undefined ? undefined : { kind: 'cgroup2', folder: second.own }
  const folders = CONTROLLERS.flatMap(controller => {
    const { own, top } = hierarchies.find(({ controllers }) => controllers.includes(controller)) ?? {}
    // At the top it is not the unit alone that is counted.
    return own === undefined || own === top ? [] : [[controller, own]]
  })
  const { memory, ...others } = Object.fromEntries(folders) as Partial<Record<(typeof CONTROLLERS)[number], string>>
  return memory === undefined ? undefined : { kind: 'cgroup1', memory, ...others }
}

/** What systemd sees to, which has all controllers wherever it is process 1. */
export function limitsOfUnits(): LimitsThatHold {
  const groups = ownHierarchies().some(hasMemory) ? 'cgroup2' : 'cgroup1'
  return { groups, memory: 'group', cpus: 'group', tasks: 'group' }
}

/** Version 2, with controllers. */
function hasMemory({ controllers, top }: Hierarchy): boolean {
  return controllers.length === 0 && (readValue(top, 'cgroup.controllers') ?? '').split(' ').includes('memory')
}
