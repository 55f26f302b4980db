/** Which limits hold on this machine, and what is told where one does not. */
import type { ChildOrder } from '../forking/forker.ts'
import type { Asked, LimitsThatHold } from '../protocol.ts'
import type { GroupsPlace } from './groups-place.ts'

type Limits = Asked<'start'>['limits']

/** `switchesUser`: servers of one person are the only processes of their Linux user. */
export function limitsThatHold(place: GroupsPlace | undefined, switchesUser: boolean): LimitsThatHold {
  const { memory = false, cpus = false, tasks = false } = place?.holds ?? {}
  return {
    groups: place?.kind ?? 'none',
    memory: memory ? 'group' : 'process',
    cpus: cpus ? 'group' : 'none',
    tasks: tasks ? 'group' : switchesUser ? 'user' : 'none',
  }
}

/** What each process of the server is told of them, where no control group does it. */
export function processLimits(limits: Limits, hold: LimitsThatHold): ChildOrder['limits'] {
  const { memoryBytes, tasks, fileBytes } = limits
  return {
    ...(memoryBytes !== undefined && hold.memory === 'process' && { data: memoryBytes }),
    ...(tasks !== undefined && hold.tasks === 'user' && { tasks }),
    ...(fileBytes !== undefined && { file: fileBytes }),
  }
}

/** For the person who starts the server. */
export function limitWarnings(limits: Limits, hold: LimitsThatHold): string[] {
  const { memoryBytes, cpus, tasks } = limits
  return [
    ...(memoryBytes !== undefined && hold.memory === 'process'
      ? ['On this machine the limit of memory holds for each process of the server, not for all together.']
      : []),
    ...(cpus !== undefined && hold.cpus === 'none'
      ? ['On this machine the limit of processor cores does not hold.']
      : []),
    ...(tasks !== undefined && hold.tasks === 'user'
      ? ['On this machine the limit of processes holds for all processes of the user.']
      : []),
    ...(tasks !== undefined && hold.tasks === 'none' ? ['On this machine the limit of processes does not hold.'] : []),
  ]
}
