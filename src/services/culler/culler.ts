/**
 * Stops servers that nobody uses and those that run for too long. It remembers nothing: each round reads the database
 * and asks the servers, so a hub that is killed loses nothing. Of several hubs one does it at a time.
 */
import { setTimeout as sleep } from 'node:timers/promises'
import { acquireLease, type Lease } from '../../db/leases.ts'
import type { CullerDeps, CullerSettings } from './context.ts'
import { cullServers } from './cull-servers.ts'
import { cullUsers } from './cull-users.ts'
import { shortestLimit } from './limits.ts'

export interface Culler {
  /** Begins; does nothing where nothing is limited. */
  start(): void
  /** Ends it. Stops that were asked for go on. */
  close(): Promise<void>
}

const LEASE_TERM_MS = 15_000
const LONGEST_PAUSE_SECONDS = 300

export function createCuller(deps: CullerDeps): Culler {
  const closing = new AbortController()
  let task: Promise<void> = Promise.resolve()
  return {
    start() {
      const everySeconds = pauseOf(deps.settings)
      if (everySeconds === undefined) return
      const { idleTimeout, maxAge } = deps.settings
      deps.log.info({ everySeconds, idleTimeout, maxAge }, 'culler watches servers')
      task = watch(deps, everySeconds * 1000, closing.signal)
    },
    async close() {
      closing.abort()
      await task
    },
  }
}

/** Seconds between two rounds; undefined when there is nothing to do. */
export function pauseOf(settings: CullerSettings): number | undefined {
  const shortest = shortestLimit(settings)
  return shortest === undefined ? undefined : (settings.every ?? Math.min(shortest / 2, LONGEST_PAUSE_SECONDS))
}

/** Never rejects. */
async function watch(deps: CullerDeps, everyMs: number, closing: AbortSignal): Promise<void> {
  const { database, holder, settings, log } = deps
  const startedAt = performance.now()
  let lease: Lease | undefined
  while (!closing.aborted) {
    await sleep(everyMs, undefined, { signal: closing }).catch(() => {})
    if (closing.aborted) break
    try {
      if (!lease || lease.lost.aborted) lease = await acquireLease(database, 'culler', holder, LEASE_TERM_MS)
      if (!lease) continue
      const trustsHub = performance.now() - startedAt >= settings.trustHubAfter * 1000
      const round = { ...deps, signal: AbortSignal.any([closing, lease.lost]), trustsHub }
      await cullServers(round)
      await cullUsers(round)
    } catch (error) {
      if (!closing.aborted) log.error({ err: error }, 'a round of the culler failed; it is tried again')
    }
  }
  await lease?.release().catch(() => {})
}
