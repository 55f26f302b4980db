/** The site's own part of a sign-in: `hooks.postAuth` and `hooks.reconcileAuthState`. */
import { HubError } from '../../core/errors.ts'
import type { Json, Logger } from '../../core/runtime.ts'
import type { Authenticated, Refused } from '../../plugin/authenticator.ts'
import type { Hooks } from '../../plugin/hooks.ts'

export interface SignInHooks {
  readonly postAuth?: Hooks['postAuth'] | undefined
  readonly reconcileAuthState?: Hooks['reconcileAuthState'] | undefined
}

export interface SignInHookContext {
  readonly log: Logger
  readonly address: string
  readonly signal: AbortSignal
}

/** What the site makes of somebody who may enter. Its failure is an answer: nobody enters by a fault of it. */
export async function runPostAuth(
  { postAuth }: SignInHooks,
  proven: Authenticated,
  context: SignInHookContext,
): Promise<Authenticated | Refused> {
  if (!postAuth) return proven
  try {
    const told = await withinTime(context.signal, () => postAuth(proven, context))
    if (typeof told?.name !== 'string') throw new TypeError('hooks.postAuth returned no name')
    return told
  } catch (error) {
    return hookRefusal('hooks.postAuth', error, context.log)
  }
}

/** What to keep as auth state; null for nothing. Throws what the site's function throws. */
export async function reconcile(
  { reconcileAuthState }: SignInHooks,
  proven: Authenticated,
  kept: () => Promise<Json>,
  context: Pick<SignInHookContext, 'log' | 'signal'>,
): Promise<Json> {
  const told = proven.authState ?? null
  if (!reconcileAuthState) return told
  const before = await kept()
  return (await withinTime(context.signal, () => reconcileAuthState(proven, before, context))) ?? null
}

/** HubErrors bring their own words; the rest is for the log. */
export function hookRefusal(name: string, error: unknown, log: Logger): Refused {
  if (error instanceof HubError) {
    const status = error.status >= 500 ? 503 : error.status === 429 ? 429 : 403
    return { refused: error.code, message: error.message, status, countsAsFailure: false }
  }
  log.error({ err: error, hook: name }, 'hook failed, sign-in refused')
  return {
    refused: 'hook_failed',
    message: 'A step that this site runs at each sign-in has failed. Tell your administrator.',
    status: 503,
    countsAsFailure: false,
  }
}

async function withinTime<T>(signal: AbortSignal, run: () => T | Promise<T>): Promise<T> {
  const { promise, reject } = Promise.withResolvers<never>()
  const onAbort = () => reject(signal.reason)
  signal.addEventListener('abort', onAbort)
  try {
    return await Promise.race([Promise.resolve().then(run), promise])
  } finally {
    signal.removeEventListener('abort', onAbort)
  }
}
