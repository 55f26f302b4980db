/**
 * What the hub sees of a server by itself, in the kernel's tables, so that a look at it takes no process: whether it runs,
 * and who holds its port. The helper answers for a user, who could make it say anything; this nobody can.
 */
import { findLinuxUser } from '../../launcher/accounts/linux-user.ts'
import { findProcess, listProcessesSoon } from '../../launcher/processes/process-info.ts'
import { socketsSoon } from '../../launcher/processes/socket-owner.ts'
import type { ServerUsage } from '../../launcher/protocol.ts'
import { usageOfServer } from '../../launcher/server-usage.ts'

export interface ProcessClaim {
  readonly pid?: number | undefined
  readonly startTime?: string | undefined
}

export interface ServerProcesses {
  /** `unknown`: nothing names the process, or processes of others are hidden (`/proc` with `hidepid`). */
  look(user: string, claim: ProcessClaim): Promise<'runs' | 'gone' | 'unknown'>
  /** `theirs`: all that takes connections to this address is the user's. */
  portHolder(user: string, ip: string, port: number): Promise<'theirs' | 'other' | 'nobody'>
  /** In their order, with one look at all processes; null for one that cannot be seen to run. */
  usageOf(
    servers: readonly (ProcessClaim & { readonly key: { readonly user: string } })[],
  ): Promise<(ServerUsage | null)[]>
}

/** Names keep their uid for longer than this in any directory. */
const UID_KNOWN_MS = 10 * 60_000

export function serverProcesses(): ServerProcesses {
  const known = new Map<string, { uid: Promise<number | undefined>; until: number }>()

  function uidOf(user: string): Promise<number | undefined> {
    const now = Date.now()
    const found = known.get(user)
    if (found && found.until > now) return found.uid
    const uid = findLinuxUser(user, { shells: [] }).then(entry => entry?.uid)
    known.set(user, { uid, until: now + UID_KNOWN_MS })
    uid.catch(() => known.delete(user))
    return uid
  }

  async function look(user: string, { pid, startTime }: ProcessClaim): Promise<'runs' | 'gone' | 'unknown'> {
    if (pid === undefined || startTime === undefined) return 'unknown'
    const seen = see(pid)
    if (seen === 'hidden') return 'unknown'
    if (!seen || seen.ended || seen.startTime !== startTime) return 'gone'
    return seen.uid === (await uidOf(user)) ? 'runs' : 'gone'
  }

  return {
    look,
    async portHolder(user, ip, port) {
      const listeners = (await socketsSoon()).listenersAt(ip, port)
      if (listeners.length === 0) return 'nobody'
      const uid = await uidOf(user)
      return listeners.every(listener => listener.uid === uid) ? 'theirs' : 'other'
    },
    async usageOf(servers) {
      const all = await listProcessesSoon()
      const looks = await Promise.all(servers.map(each => look(each.key.user, each)))
      return servers.map(({ pid }, at) => {
        const root = looks[at] === 'runs' ? all.find(info => info.pid === pid) : undefined
        return root ? usageOfServer(root, undefined, () => all) : null
      })
    },
  }
}

function see(pid: number): ReturnType<typeof findProcess> | 'hidden' {
  try {
    const info = findProcess(pid)
    // The first process is there as long as the machine runs.
    return info === undefined && findProcess(1) === undefined ? 'hidden' : info
  } catch {
    return 'hidden'
  }
}
