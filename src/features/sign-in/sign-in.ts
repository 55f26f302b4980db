import { HubError } from '../../core/errors.ts'
import { printable } from '../../core/names.ts'
import type { Logger } from '../../core/runtime.ts'
import type { Authenticated, Authenticator, LoginAttempt, Refused } from '../../plugin/authenticator.ts'
import type { UserRecord } from '../../plugin/spawner.ts'
import type { UserNames } from '../users/user-names.ts'
import { type AccessRuleOptions, accessRules } from './access-rules.ts'
import { admitUser } from './admit-user.ts'
import type { ApplyDeps } from './apply-proven.ts'
import { createThrottle, type ThrottleLimits } from './throttle.ts'
import { addressSubject, nameSubject, pluginSubject } from './throttle-subjects.ts'

export interface SignInDeps extends ApplyDeps {
  readonly authenticator: Pick<Authenticator, 'name' | 'authenticate' | 'userAdded'> & {
    login?: Authenticator['login']
  }
  /** How names are written and which may exist; `createUserNames` of `features/users`. */
  readonly names: UserNames
  readonly access: AccessRuleOptions
  readonly limits: ThrottleLimits
  readonly log: Logger
  /** Told of everybody who has signed in. */
  readonly admitted?: (userId: number) => void
  /** For how long an authenticator may think. Default 60 000. */
  readonly patienceMs?: number
}

/** What became of a sign-in. A refusal is an answer, not an error. */
export type SignInOutcome = { readonly user: UserRecord } | Refused

export interface SignIn {
  /** A filled-in login form: throttle, authenticator, then as `admit`. */
  attempt(attempt: LoginAttempt): Promise<SignInOutcome>
  /** An identity that was proven elsewhere (a provider's callback, a plug-in's page): access rules, then the user. */
  admit(proven: Authenticated, address: string): Promise<SignInOutcome>
  /** Counts a try under a key of a plug-in's own; tells how long to wait when there were more than `limit`. */
  throttle(key: string, limit?: number): Promise<{ retryAfter: number } | undefined>
}

export function createSignIn(deps: SignInDeps): SignIn {
  const { names, limits, authenticator, clock } = deps
  const log = deps.log.child({ authenticator: authenticator.name })
  const rules = accessRules(deps.access, name => names.normalize(name))
  const throttle = createThrottle(deps.database.db, limits, clock)

  return {
    attempt,
    admit,
    throttle: (key, limit = limits.failures) => throttle.begin([pluginSubject(key, limit)]),
  }

  async function attempt(given: LoginAttempt): Promise<SignInOutcome> {
    // What a proxy in front says is no guess, and a fault of its setting would lock everybody out.
    if (authenticator.login?.kind === 'request') {
      const proof = await prove(given)
      return 'refused' in proof ? refused(proof, '', given.address) : admit(proof, given.address)
    }
    const typed = names.normalize((given.form.username ?? '').trim())
    const name = nameSubject(typed, limits)
    const address = addressSubject(given.address, limits)
    const subjects = [name, address]
    const wait = await throttle.begin(subjects)
    if (wait) return refused(tooManyFailures(wait.retryAfter), typed, given.address)

    const proof = await prove(given)
    if ('refused' in proof) {
      if (proof.countsAsFailure ?? true) await throttle.failed(subjects)
      else await throttle.takeBack(subjects)
      return refused(proof, typed, given.address)
    }
    // Whoever mistypes and then gets in was no guesser, and a class behind one address has many of them. What the
    // address tried with other names still counts: one good account must not hide guesses at others.
    await throttle.succeeded(name, [address])
    return admit(proof, given.address)
  }

  async function prove(given: LoginAttempt): Promise<Authenticated | Refused> {
    if (!authenticator.authenticate) return NO_FORM
    const signal = AbortSignal.timeout(deps.patienceMs ?? 60_000)
    try {
      return await authenticator.authenticate(given, { log, signal, now: () => clock.now() })
    } catch (error) {
      log.error({ err: error, address: given.address }, 'authenticator failed')
      const known = error instanceof HubError ? error : undefined
      return {
        refused: known?.code ?? 'sign_in_unavailable',
        message: known?.message ?? 'Signing in does not work at the moment. Try again in a minute.',
        status: 503,
        countsAsFailure: false,
      }
    }
  }

  async function admit(proven: Authenticated, address: string): Promise<SignInOutcome> {
    const name = names.normalize(proven.name)
    if (!names.isValid(name)) return refused(INVALID_NAME, name, address)
    const outcome = await admitUser(
      { ...deps, rules },
      { ...proven, name },
      { address, log, signal: AbortSignal.timeout(deps.patienceMs ?? 60_000) },
    )
    if ('refused' in outcome) return refused(outcome, name, address)
    deps.admitted?.(outcome.user.id)
    log.info({ user: outcome.user.name, address, admin: outcome.user.admin }, 'signed in')
    return outcome
  }

  /** The one place where a refusal is logged. */
  function refused(refusal: Refused, name: string, address: string): Refused {
    log.warn({ user: printable(name), address, code: refusal.refused }, 'sign-in refused')
    return refusal
  }
}

function tooManyFailures(retryAfter: number): Refused {
  const minutes = Math.ceil(retryAfter / 60)
  return {
    refused: 'too_many_failures',
    message: `Too many failed tries. Try again in ${minutes === 1 ? 'a minute' : `${minutes} minutes`}.`,
    status: 429,
    retryAfter,
    countsAsFailure: false,
  }
}

const INVALID_NAME: Refused = {
  refused: 'invalid_user_name',
  message: 'This name cannot be used here.',
  status: 403,
  countsAsFailure: false,
}

const NO_FORM: Refused = {
  refused: 'no_login_form',
  message: 'Nobody signs in here with a password.',
  status: 403,
  countsAsFailure: false,
}
