/** What the culler is given. */
import type { Access } from '../../access/access.ts'
import type { Clock, Logger } from '../../core/runtime.ts'
import type { Database } from '../../db/database.ts'
import { fromDbTime } from '../../db/db-time.ts'
import type { UserRecord } from '../../plugin/spawner.ts'
import type { TlsOfServers } from '../../spawning/context.ts'
import type { Spawning } from '../../spawning/spawning.ts'
import type { LimitSettings } from './limits.ts'

/** Times in seconds, as in the config. */
export interface CullerSettings extends LimitSettings {
  /** Absent: half of the shortest limit, at most 5 minutes. */
  readonly every?: number | undefined
  readonly cullDefaultServers: boolean
  readonly cullNamedServers: boolean
  readonly removeNamedServers: boolean
  readonly cullUsers: boolean
  readonly cullAdminUsers: boolean
  readonly concurrency: number
  /**
   * For how long this process must have watched before the hub's own `last_activity` counts: while no hub ran, nobody
   * could tell it of activity.
   */
  readonly trustHubAfter: number
}

export interface CullerDeps {
  readonly database: Database
  readonly spawning: Spawning
  readonly access: Pick<Access, 'issueToken' | 'revokeToken'>
  /** Unique to this process: host, pid and something random. */
  readonly holder: string
  readonly baseUrl: string
  /** How servers with internal TLS are asked. */
  readonly tls?: Pick<TlsOfServers, 'connectTo'> | undefined
  readonly settings: CullerSettings
  /** Deletes a user whose servers are gone; `not yet` when one of them is not. */
  removeUser(user: UserRecord): Promise<'removed' | 'not yet'>
  readonly log: Logger
  readonly clock: Clock
}

/** One look at everything. */
export interface Round extends CullerDeps {
  /** Aborts when the hub closes or another one has taken over: nothing may be stopped from then on. */
  readonly signal: AbortSignal
  /** Is the hub's own `last_activity` up to date? */
  readonly trustsHub: boolean
}

/** How the culler is named in logs. */
export const CULLER = 'service:culler'

/** Undefined for what was never written down. */
export function secondsSince(time: string | null | undefined, now: Date): number | undefined {
  return time ? (now.getTime() - fromDbTime(time).getTime()) / 1000 : undefined
}

/** A few at a time. Stops taking more when `signal` aborts. */
export async function eachOf<T>(
  items: readonly T[],
  { concurrency, signal }: { concurrency: number; signal: AbortSignal },
  task: (item: T) => Promise<void>,
): Promise<void> {
  const queue = items[Symbol.iterator]()
  const worker = async () => {
    for (const item of queue) {
      if (signal.aborted) return
      await task(item)
    }
  }
  await Promise.all(Array.from({ length: Math.min(concurrency, items.length) }, worker))
}
