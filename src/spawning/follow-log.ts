/**
 * Servers' logs as they grow. However many people watch a server, its spawner is asked about once a second, and only while
 * somebody does.
 */
import { setTimeout } from 'node:timers/promises'
import { type ServerKey, serverKeyText } from '../core/server-key.ts'
import type { LogPart, LogPlace } from '../plugin/spawner.ts'
import type { SpawningContext } from './context.ts'
import { lastLinesOf, noLogs } from './server-log.ts'
import { findServer, type ServerRow } from './server-row.ts'

export interface LogNews {
  readonly text: string
  /** Whoever comes back with it goes on behind this text. Absent where the spawner names no places. */
  readonly id?: string
  /**
   * `replace`: not behind what was told, in its place. `lost`: something between is not kept any more. `end`: the server is
   * gone, and this is all.
   */
  readonly how?: 'replace' | 'lost' | 'end'
}

export interface FollowedLogs {
  /**
   * The last lines, or what comes after an `id` told before; then what is printed, until the server is gone or `signal`
   * aborts. Throws HubError 404 when the spawner keeps no logs.
   */
  follow(
    key: ServerKey,
    options: { lines: number; afterId?: string | undefined; signal: AbortSignal },
  ): AsyncIterable<LogNews>
}

const PAUSE_MS = 1_000
/** For a spawner that tells no parts, as many lines are compared. */
const SHOWN_LINES = 200
/** Parts for somebody who is slow to take them; the next are read when these are taken. */
const MOST_WAITING = 10

interface Watch {
  readonly followers: Set<Follower>
  /** Ends the pause between two looks: somebody new should not wait. */
  pause: AbortController
}

interface Follower {
  place: LogPlace
  /** Of a spawner without parts: what it was told last. */
  shown: string
  readonly waiting: LogNews[]
  wake(): void
  next: Promise<void>
  isOver: boolean
  fault?: unknown
}

export function followedLogs(context: SpawningContext): FollowedLogs {
  const watches = new Map<string, Watch>()

  return {
    async *follow(key, { lines, afterId, signal }) {
      if (!context.spawner.readLog && !context.spawner.logs) throw noLogs()
      const follower = newFollower(afterId ? { after: afterId } : { lines })
      const over = AbortSignal.any([signal, context.closing])
      const leave = () => end(follower)
      over.addEventListener('abort', leave)
      join(key, follower)
      try {
        while (!over.aborted) {
          await follower.next
          follower.next = new Promise(resolve => (follower.wake = resolve))
          yield* follower.waiting.splice(0)
          if (follower.fault) throw follower.fault
          if (follower.isOver && follower.waiting.length === 0) return
        }
      } finally {
        over.removeEventListener('abort', leave)
        watches.get(serverKeyText(key))?.followers.delete(follower)
      }
    },
  }

  function join(key: ServerKey, follower: Follower): void {
    const name = serverKeyText(key)
    const found = watches.get(name)
    if (found) {
      found.followers.add(follower)
      found.pause.abort()
      return
    }
    const watch: Watch = { followers: new Set([follower]), pause: new AbortController() }
    watches.set(name, watch)
    context.goOn(keepTelling(key, watch))
  }

  /** Never rejects. */
  async function keepTelling(key: ServerKey, watch: Watch): Promise<void> {
    const { followers } = watch
    while (followers.size > 0 && !context.closing.aborted) {
      watch.pause = new AbortController()
      try {
        const server = await findServer(context.database, key)
        const isUp = server !== undefined && isRunning(server)
        const known = [...followers].filter(({ waiting }) => waiting.length < MOST_WAITING)
        await tell(key, server, known, !isUp)
        if (isUp) await pause(server, watch.pause.signal)
        else for (const follower of known) if (follower.waiting.length < MOST_WAITING) leave(followers, follower)
        if (!isUp && followers.size > 0) await setTimeout(PAUSE_MS)
      } catch (fault) {
        if (!context.closing.aborted) {
          context.log.warn({ ...key, err: fault }, 'the log of a server could not be followed')
        }
        for (const follower of followers) end(Object.assign(follower, { fault }))
        followers.clear()
      }
    }
    watches.delete(serverKeyText(key)) // in the same turn in which nobody was there
  }

  function leave(followers: Set<Follower>, follower: Follower): void {
    follower.waiting.push({ text: '', how: 'end' })
    followers.delete(follower)
    end(follower)
  }

  /** Those who are at the same place are told the same; all get as far as the first of them. */
  async function tell(
    key: ServerKey,
    server: ServerRow | undefined,
    followers: readonly Follower[],
    whole: boolean,
  ): Promise<void> {
    if (!context.spawner.readLog) return replaceAll(key, followers)
    const groups = Map.groupBy(followers, ({ place }) => JSON.stringify(place))
    let until: string | undefined
    // First those who have been here before: newcomers, who see the end alone, are then up to date with them.
    for (const group of [...groups.values()].sort(([a], [b]) => rank(a!) - rank(b!))) {
      for (;;) {
        const { place } = group[0]!
        const asked = place.lines === undefined ? { ...place, until, whole } : { ...place, whole }
        const part = await context.spawner.readLog(key, server?.state, asked, context.closing)
        for (const follower of group) hand(follower, part)
        until ??= part.isEnd ? part.next : undefined
        if (part.isEnd || group.some(({ waiting }) => waiting.length >= MOST_WAITING)) break
      }
    }
  }

  async function replaceAll(key: ServerKey, followers: readonly Follower[]): Promise<void> {
    const text = await lastLinesOf(context, key, SHOWN_LINES)
    for (const follower of followers) {
      if (text === follower.shown) continue
      const isMore = follower.shown !== '' && text.startsWith(follower.shown)
      push(follower, isMore ? { text: text.slice(follower.shown.length) } : { text, how: 'replace' })
      follower.shown = text
    }
  }

  async function pause({ spawnerId }: ServerRow, somebodyCame: AbortSignal): Promise<void> {
    await context.signals.wait(spawnerId, PAUSE_MS, AbortSignal.any([somebodyCame, context.closing]))
  }
}

function rank({ place }: Follower): number {
  return place.lines === undefined ? 0 : 1
}

function isRunning({ run, serverId }: ServerRow): boolean {
  return serverId !== undefined || run?.phase === 'spawning' || run?.phase === 'stopping'
}

function newFollower(place: LogPlace): Follower {
  const { promise, resolve } = Promise.withResolvers<void>()
  return { place, shown: '', waiting: [], wake: resolve, next: promise, isOver: false }
}

function hand(follower: Follower, { text, next, isLost }: LogPart): void {
  follower.place = { after: next }
  if (text !== '' || isLost) push(follower, { text, id: next, ...(isLost && { how: 'lost' as const }) })
}

function push(follower: Follower, news: LogNews): void {
  follower.waiting.push(news)
  follower.wake()
}

function end(follower: Follower): void {
  follower.isOver = true
  follower.wake()
}
