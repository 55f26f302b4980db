/**
 * Looks every few seconds at what all running servers use, in one question to their spawner, and once a minute writes
 * down what the machine uses. Of several hubs one does so all the time; another one looks only while somebody asks it.
 */
import { setTimeout as sleep } from 'node:timers/promises'
import { background, type Clock, type Logger } from '../../core/runtime.ts'
import type { Database } from '../../db/database.ts'
import { acquireLease, type Lease } from '../../db/leases.ts'
import type { DiskUsage } from './disks.ts'
import { createFollowers } from './followers.ts'
import type { MachineReader, MachineUsage } from './machine.ts'
import { addMachineSample, SAMPLE_EVERY_MS } from './machine-samples.ts'
import { logMemoryKills } from './memory-kills.ts'
import { type SeenServer, type UsageOfServer, usageHistory } from './usage-history.ts'

export interface UsageWatchDeps {
  readonly database: Database
  /** All servers that are ready, and what those of them use whose spawner can tell. */
  usage(signal: AbortSignal): Promise<{ running: number; used: readonly SeenServer[] }>
  /** A new one for each who reads at times of their own: it tells what happened since its last look. */
  machineReader(): MachineReader
  disks(): Promise<readonly DiskUsage[]>
  /** Unique to this process. */
  readonly holder: string
  readonly log: Logger
  readonly clock: Clock
  /** Between two looks. Default 10 s. */
  readonly everyMs?: number
  /** After how much silence another hub takes over. Default 3 min: a sample or two are no loss. */
  readonly leaseTermMs?: number
}

export interface UsageWatch {
  /** What the servers of a user use, by the servers' names; looked up now if nobody did lately. */
  ofUser(user: string): Promise<ReadonlyMap<string, UsageOfServer>>
  /** What every server uses, likewise. */
  all(): Promise<readonly UsageOfServer[]>
  /** The same after every look, until `signal` aborts. Who is slow misses some. */
  follow(signal: AbortSignal): AsyncIterable<readonly UsageOfServer[]>
  /** What a look lately found, without asking anybody: for metrics. Undefined where nobody looked. */
  last(): readonly UsageOfServer[] | undefined
  /** The machine as the last look found it. */
  machine(): Promise<MachineNow>
  start(): void
  close(): Promise<void>
}

export interface MachineNow extends MachineUsage {
  /** Servers that are ready. */
  readonly servers: number
  readonly disks: readonly DiskUsage[]
}

const POINTS_KEPT = 60
const LOOK_PATIENCE_MS = 8_000
/** A page is not held up by a spawner that is slow to tell. */
const PAGE_PATIENCE_MS = 1_000
/** Looks take no more than this part of the time, however many servers there are. */
const MOST_SHARE = 1 / 20
/** So long a hub that does not hold the lease goes on looking after somebody asked. */
const INTEREST_MS = 60_000

export function createUsageWatch(deps: UsageWatchDeps): UsageWatch {
  const { database, holder, log, clock, everyMs = 10_000, leaseTermMs = 180_000 } = deps
  const history = usageHistory(POINTS_KEPT)
  const followers = createFollowers<readonly UsageOfServer[]>()
  const closing = new AbortController()
  let lookedAt = Number.NEGATIVE_INFINITY
  let askedAt = Number.NEGATIVE_INFINITY
  let running = 0
  let under: Promise<void> | undefined
  let isFailing = false
  let pauseMs = everyMs
  const liveMachine = deps.machineReader()
  const sampledMachine = deps.machineReader()
  let machineNow = liveMachine()
  let task: Promise<void> | undefined

  const now = () => clock.now().getTime()

  /** Whoever asks while a look is under way waits for that one. Never rejects. */
  function look(): Promise<void> {
    under ??= lookOnce().finally(() => {
      under = undefined
    })
    return under
  }

  async function lookOnce(): Promise<void> {
    const at = clock.now()
    const startedAt = performance.now()
    lookedAt = at.getTime()
    machineNow = liveMachine()
    try {
      const signal = AbortSignal.any([closing.signal, AbortSignal.timeout(LOOK_PATIENCE_MS)])
      const seen = await deps.usage(signal)
      running = seen.running
      logMemoryKills(history, seen.used, log)
      history.add(at, seen.used)
      isFailing = false
    } catch (error) {
      // Nothing is better than what was true a while ago.
      history.add(at, [])
      if (!isFailing && !closing.signal.aborted) log.warn({ err: error }, 'what servers use could not be found out')
      isFailing = true
    }
    pauseMs = Math.max(everyMs, (performance.now() - startedAt) / MOST_SHARE)
    followers.tell(history.all())
  }

  async function lookedLately(): Promise<void> {
    askedAt = now()
    if (now() - lookedAt < pauseMs * 1.5) return
    await Promise.race([look(), sleep(PAGE_PATIENCE_MS, undefined, { ref: false })])
  }

  async function watch(): Promise<void> {
    let lease: Lease | undefined
    let nextSample = 0
    while (!closing.signal.aborted) {
      try {
        if (!lease || lease.lost.aborted) lease = await acquireLease(database, 'watch-usage', holder, leaseTermMs)
        const isWanted = lease || followers.count > 0 || now() - askedAt < INTEREST_MS
        if (isWanted) await look()
        if (lease && now() >= nextSample) {
          nextSample = now() - (now() % SAMPLE_EVERY_MS) + SAMPLE_EVERY_MS
          await sample()
        }
      } catch (error) {
        if (!closing.signal.aborted) log.warn({ err: error }, 'usage could not be written down; it is tried again')
      }
      await sleep(pauseMs, undefined, { signal: closing.signal }).catch(() => {})
    }
    await lease?.release().catch(() => {})
  }

  async function sample(): Promise<void> {
    const usage = sampledMachine()
    if (usage.cpu !== undefined) await addMachineSample(database, clock.now(), usage, running)
  }

  return {
    async ofUser(user) {
      await lookedLately()
      return history.ofUser(user)
    },
    async all() {
      await lookedLately()
      return history.all()
    },
    follow: signal => followers.follow(AbortSignal.any([signal, closing.signal])),
    last: () => (now() - lookedAt < pauseMs * 3 ? history.all() : undefined),
    async machine() {
      await lookedLately()
      return { ...machineNow, servers: running, disks: await deps.disks() }
    },
    start() {
      task ??= watch()
      background(task, 'watch usage', log)
    },
    async close() {
      closing.abort()
      await task
    },
  }
}
