/**
 * Looks at signed-in users again, where the authenticator can: JupyterHub's `refresh_user`. Each hub remembers for itself
 * whom it has looked at; after a restart it looks once more. One look at a time for each user.
 */
import { HubError } from '../../core/errors.ts'
import type { Json, Logger } from '../../core/runtime.ts'
import type { Authenticated, Authenticator } from '../../plugin/authenticator.ts'
import type { UserRecord } from '../../plugin/spawner.ts'
import { findUserById } from '../users/user-store.ts'
import { type ApplyDeps, applyProven } from './apply-proven.ts'

/** `changed`: what is known of the user is not what it was. */
export type Freshness = 'same' | 'changed' | 'expired'

export interface RefreshDeps extends ApplyDeps {
  readonly authenticator: Pick<Authenticator, 'name' | 'refresh'>
  /** For how long what is known is good; 0 for ever. */
  readonly ageMs: number
  /** Refuses also those who cannot be sent to the login page: tokens, and starts by others. */
  readonly strict: boolean
  readonly log: Logger
  /** Users have changed: whoever remembers them must forget. */
  changed(): void
  /** For how long the authenticator may think. Default 30 000. */
  readonly patienceMs?: number
}

type Person = Pick<UserRecord, 'id' | 'name'>

export interface Refresher {
  /** Undefined when it is not due, which costs nothing. `expired` for a token only where it is strict. */
  look(user: Person, by: 'cookie' | 'token'): Promise<Freshness> | undefined
  /** Looks now, whatever the age. `own`: the user's own browser asks, and can be sent to the login page. */
  force(user: Person, how: { own: boolean }): Promise<Freshness>
  /** Just signed in. */
  signedIn(userId: number): void
}

interface Seen {
  readonly at: number
  readonly verdict: 'current' | 'expired' | 'unknown'
}

/** An expired one who reloads the page, or a provider that is down, is not asked more often than this. */
const ASK_AGAIN_MS = 30_000
const KEPT = 50_000

export function createRefresher(deps: RefreshDeps): Refresher {
  const { authenticator, ageMs, strict, clock } = deps
  const log = deps.log.child({ authenticator: authenticator.name })
  const seen = new Map<number, Seen>()
  const asking = new Map<number, Promise<Freshness>>()

  return {
    look(user, by) {
      const known = seen.get(user.id)
      const age = known ? clock.now().getTime() - known.at : Number.POSITIVE_INFINITY
      if (known?.verdict === 'expired' && (age < ASK_AGAIN_MS || ageMs === 0))
        return judge(user, 'expired', by === 'cookie')
      const goodFor = known?.verdict === 'unknown' ? ASK_AGAIN_MS : ageMs
      if (ageMs === 0 || (known?.verdict !== 'expired' && age < goodFor)) return undefined
      return ask(user).then(found => judge(user, found, by === 'cookie'))
    },
    force: async (user, { own }) => judge(user, await ask(user), own),
    signedIn: userId => remember(userId, 'current'),
  }

  async function judge(user: Person, found: Freshness, canSignIn: boolean): Promise<Freshness> {
    if (found !== 'expired') return found
    log.warn({ user: user.name, strict }, 'what is known of this user has expired; a new sign-in is needed')
    return canSignIn || strict ? 'expired' : 'same'
  }

  function ask(user: Person): Promise<Freshness> {
    const before = asking.get(user.id)
    if (before) return before
    const mine = askNow(user).finally(() => asking.delete(user.id))
    asking.set(user.id, mine)
    return mine
  }

  async function askNow(user: Person): Promise<Freshness> {
    const record = await findUserById(deps.database.db, user.id)
    if (!record || !authenticator.refresh) return 'same'
    try {
      const signal = AbortSignal.timeout(deps.patienceMs ?? 30_000)
      const state = (await deps.authState?.read(user.id)) ?? null
      const context = { log, signal, now: () => clock.now() }
      const told = await authenticator.refresh(record, state ?? undefined, context)
      remember(user.id, told === 'expired' ? 'expired' : 'current')
      if (typeof told === 'string') return told === 'expired' ? 'expired' : 'same'
      return await apply(record, told, state, signal)
    } catch (error) {
      remember(user.id, 'unknown')
      log.error({ user: user.name, err: error }, 'authenticator could not look at this user again')
      if (!strict) return 'same'
      throw new HubError('refresh_failed', {
        status: 503,
        message: 'Your sign-in cannot be checked at the moment.',
        nextStep: 'Try again in a minute.',
        cause: error,
      })
    }
  }

  /** What is not told stays as it is; the name cannot change. */
  async function apply(record: UserRecord, told: Authenticated, state: Json, signal: AbortSignal): Promise<Freshness> {
    const proven = { groups: record.groups, ...told, name: record.name, authState: told.authState ?? state }
    const applied = await applyProven(deps, record, proven, { log, signal, address: '' })
    if ('refused' in applied) throw new Error(`a step of the site failed: ${applied.refused}`)
    deps.changed()
    return 'changed'
  }

  function remember(userId: number, verdict: Seen['verdict']): void {
    seen.delete(userId)
    seen.set(userId, { at: clock.now().getTime(), verdict })
    if (seen.size > KEPT) seen.delete(seen.keys().next().value!) // the one that was looked at first
  }
}
