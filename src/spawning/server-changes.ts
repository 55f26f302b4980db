/**
 * Every change of a server's state, at whichever hub it happens. However many follow it, the database is asked once a
 * second, for the servers that changed lately and no others; a change at this hub is seen at once.
 */
import { setTimeout as sleep } from 'node:timers/promises'
import { toDbTime } from '../db/db-time.ts'
import type { SpawningContext } from './context.ts'
import { recentServers, type ServerRow } from './server-row.ts'

export interface ServerChanges {
  /**
   * First an empty list: from here on nothing is missed. Then rows as they change, until `signal` aborts. Who is slow
   * gets the latest row of each server.
   */
  follow(signal: AbortSignal): AsyncIterable<readonly ServerRow[]>
}

const LONGEST_PAUSE_MS = 1_000
/** Between two looks, so that a hundred starts at once are not a hundred reads. */
const SHORTEST_PAUSE_MS = 100
/** Another hub's clock may be behind by so much. */
const WINDOW_MS = 60_000

type Context = Pick<SpawningContext, 'database' | 'signals' | 'clock' | 'closing' | 'log'>

export function serverChanges(context: Context): ServerChanges {
  const followers = new Set<Follower>()
  let isWatching = false
  let begun = Promise.withResolvers<void>()

  async function watch(): Promise<void> {
    let known: ReadonlyMap<number, string> | undefined
    while (followers.size > 0 && !context.closing.aborted) {
      try {
        const since = toDbTime(new Date(context.clock.now().getTime() - WINDOW_MS))
        const rows = await recentServers(context.database, since)
        const before = known
        known = new Map(rows.map(row => [row.spawnerId, fingerprint(row)]))
        const changed = rows.filter(row => before && before.get(row.spawnerId) !== fingerprint(row))
        for (const follower of followers) follower.tell(changed)
        begun.resolve()
      } catch (error) {
        context.log.warn({ err: error }, 'server states could not be followed; it is tried again')
      }
      await sleep(SHORTEST_PAUSE_MS, undefined, { signal: context.closing }).catch(() => {})
      await context.signals.waitForAny(LONGEST_PAUSE_MS, context.closing)
    }
    isWatching = false
  }

  return {
    async *follow(signal) {
      const follower = createFollower()
      followers.add(follower)
      const leave = () => follower.end()
      signal.addEventListener('abort', leave)
      context.closing.addEventListener('abort', leave)
      if (!isWatching) {
        isWatching = true
        begun = Promise.withResolvers()
        void watch()
      }
      try {
        await Promise.race([begun.promise, follower.ended])
        if (!signal.aborted && !context.closing.aborted) yield []
        while (!signal.aborted && !context.closing.aborted) {
          const rows = await follower.next()
          if (rows.length > 0) yield rows
        }
      } finally {
        followers.delete(follower)
        signal.removeEventListener('abort', leave)
        context.closing.removeEventListener('abort', leave)
      }
    },
  }
}

/** What tells one state of a server from another. */
function fingerprint({ run, serverId }: ServerRow): string {
  return JSON.stringify([run?.runId, run?.phase, run?.since, run?.percent, run?.message, serverId])
}

interface Follower {
  tell(rows: readonly ServerRow[]): void
  /** Empty when it was ended. */
  next(): Promise<readonly ServerRow[]>
  readonly ended: Promise<void>
  end(): void
}

function createFollower(): Follower {
  const waiting = new Map<number, ServerRow>()
  const ended = Promise.withResolvers<void>()
  let wake = Promise.withResolvers<void>()
  return {
    ended: ended.promise,
    tell(rows) {
      for (const row of rows) waiting.set(row.spawnerId, row)
      if (rows.length > 0) wake.resolve()
    },
    async next() {
      await wake.promise
      wake = Promise.withResolvers()
      const rows = [...waiting.values()]
      waiting.clear()
      return rows
    },
    end() {
      ended.resolve()
      wake.resolve()
    },
  }
}
