/** What servers used lately: for each that runs, the last few looks at it. Held in memory; a restart begins anew. */
import type { ServerKey } from '../../core/server-key.ts'
import type { ServerUsage } from '../../plugin/spawner.ts'

/** One look at a server. */
export interface UsagePoint {
  readonly at: Date
  readonly memoryBytes: number
  /** Processors kept busy since the look before: 0.5 is half of one. Undefined at the first. */
  readonly cpu: number | undefined
}

export interface UsageOfServer {
  readonly key: ServerKey
  /** As the last look found it. */
  readonly latest: ServerUsage & UsagePoint
  /** Oldest first, the latest among them. */
  readonly points: readonly UsagePoint[]
}

/** A server at one look; `run` tells one run of it from the next. */
export interface SeenServer {
  readonly key: ServerKey
  readonly run: string
  readonly usage: ServerUsage
}

export interface UsageHistory {
  /** Takes what was seen of all servers that run; what is not among them is forgotten. */
  add(at: Date, seen: readonly SeenServer[]): void
  all(): readonly UsageOfServer[]
  /** By the servers' names. */
  ofUser(user: string): ReadonlyMap<string, UsageOfServer>
}

/** `most` points of each server are kept. */
export function usageHistory(most: number): UsageHistory {
  let users = new Map<string, Map<string, Kept>>()

  return {
    add(at, seen) {
      const now = new Map<string, Map<string, Kept>>()
      for (const server of seen) {
        const { user, server: name } = server.key
        const before = users.get(user)?.get(name)
        const servers = now.get(user) ?? new Map<string, Kept>()
        now.set(user, servers.set(name, next(before?.run === server.run ? before : undefined, at, server, most)))
      }
      users = now
    },
    all: () => [...users.values()].flatMap(servers => [...servers.values()]),
    ofUser: user => users.get(user) ?? NOTHING,
  }
}

type Kept = UsageOfServer & { readonly run: string }

const NOTHING: ReadonlyMap<string, UsageOfServer> = new Map()

function next(before: Kept | undefined, at: Date, { key, run, usage }: SeenServer, most: number): Kept {
  const point = { at, memoryBytes: usage.memoryBytes, cpu: before && cpuSince(before.latest, at, usage) }
  return {
    key,
    run,
    latest: { ...usage, ...point },
    points: [...(before?.points ?? []), point].slice(-most),
  }
}

/** A process that ended unseen may take its time with it, so that there is less than before. */
function cpuSince(before: Kept['latest'], at: Date, { cpuSeconds }: ServerUsage): number | undefined {
  const seconds = (at.getTime() - before.at.getTime()) / 1000
  return seconds > 0 ? Math.max(0, (cpuSeconds - before.cpuSeconds) / seconds) : before.cpu
}
