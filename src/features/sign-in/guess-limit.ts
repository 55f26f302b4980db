import { createHash } from 'node:crypto'
import { HubError } from '../../core/errors.ts'
import type { Clock, Logger } from '../../core/runtime.ts'
import type { Db } from '../../db/database.ts'
import { createThrottle } from './throttle.ts'
import type { Subject, SubjectKind } from './throttle-subjects.ts'

/**
 * Stops guessing of what programs and links carry: API tokens, share codes. Only what is wrong costs anything: right
 * ones are neither counted nor looked up. The same wrong guess again is a program with an old token, not a guesser,
 * and counts once. Counts and locks are in the database, so that they outlive a restart and all hubs agree.
 */
export interface GuessLimit {
  /** Throws HubError 429 `too_many_guesses` while one of the subjects is locked. Asks memory alone. */
  check(subjects: readonly Subject[]): Promise<void>
  /** Counts a wrong guess; throws as `check` when there have been too many. */
  wrong(subjects: readonly Subject[], guess: string): Promise<void>
}

export interface GuessLimitOptions {
  readonly db: Db
  /** What is guessed, as log and metrics name it. */
  readonly what: 'token' | 'share code'
  readonly kinds: readonly SubjectKind[]
  readonly windowMs: number
  readonly lockMs: number
  readonly clock: Clock
  readonly log: Logger
  /** Each guess that was refused unseen or found wrong. */
  readonly count?: () => void
}

/** Wrong guesses that are remembered as told before; more than the limits let through in one window. */
const REMEMBERED = 5000

export function createGuessLimit(options: GuessLimitOptions): GuessLimit {
  const { clock, log, what, windowMs } = options
  const throttle = createThrottle(options.db, options, clock)
  const locks = new Map<string, Date>()
  /** When each was last wrong, oldest first. */
  const known = new Map<string, number>()
  let loaded: Promise<void> | undefined

  return { check, wrong }

  async function check(subjects: readonly Subject[]): Promise<void> {
    await loadOnce()
    const now = clock.now()
    for (const { key } of subjects) {
      const until = locks.get(key)
      if (until && until > now) throw tooMany(until, now)
      if (until) locks.delete(key)
    }
  }

  async function wrong(subjects: readonly Subject[], guess: string): Promise<void> {
    options.count?.()
    await check(subjects)
    if (isKnown(subjects, guess)) return
    const wait = await throttle.begin(subjects)
    if (!wait) return throttle.failed(subjects)
    const now = clock.now()
    const until = new Date(now.getTime() + wait.retryAfter * 1000)
    const kinds = await Promise.all(options.kinds.map(kind => throttle.locked(kind)))
    const locked = subjects.filter(({ key }) => kinds.some(of => of.has(key)))
    for (const [key, end] of locks) if (end <= now) locks.delete(key)
    for (const { key } of locked) locks.set(key, until)
    log.warn({ subjects: locked.map(({ key }) => key), retryAfter: wait.retryAfter }, `too many wrong ${what}s`)
    throw tooMany(until, now)
  }

  function isKnown(subjects: readonly Subject[], guess: string): boolean {
    const key = createHash('sha256')
      .update(JSON.stringify([subjects[0]?.key, guess]))
      .digest('base64')
    const now = clock.now().getTime()
    const last = known.get(key)
    known.delete(key)
    known.set(key, now)
    if (known.size > REMEMBERED) known.delete(known.keys().next().value!) // it holds more than none
    return last !== undefined && last > now - windowMs
  }

  /** Locks of before a restart. When they cannot be read, the next one tries again. */
  function loadOnce(): Promise<void> {
    loaded ??= load().catch(error => {
      loaded = undefined
      throw error
    })
    return loaded
  }

  async function load(): Promise<void> {
    for (const kind of options.kinds) for (const [key, until] of await throttle.locked(kind)) locks.set(key, until)
  }
}

function tooMany(until: Date, now: Date): HubError {
  const seconds = Math.max(1, Math.ceil((until.getTime() - now.getTime()) / 1000))
  return new HubError('too_many_guesses', {
    status: 429,
    message: 'Too many wrong tries.',
    nextStep: `Wait ${seconds === 1 ? 'a second' : `${seconds} seconds`}, and use the right one then.`,
    headers: { 'retry-after': String(seconds) },
  })
}
