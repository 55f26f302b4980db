import type { FastifyReply, FastifyRequest } from 'fastify'
import type { Clock, Logger } from '../core/runtime.ts'
import type { Db } from '../db/database.ts'
import { toDbTime } from '../db/db-time.ts'
import type { Cookies } from './cookies.ts'
import { cookieIdentity, type Identification } from './identification.ts'
import type { Owners } from './owners.ts'
import { newSessionId, stateOf } from './request-state.ts'
import type { Xsrf } from './xsrf.ts'

/** The id of the browser session behind a request; made, and its cookie set, when there is none and `make` says so. */
export function sessionOf(
  cookies: Cookies,
  request: FastifyRequest,
  reply: FastifyReply,
  make: boolean,
): string | undefined {
  const state = stateOf(request)
  state.sessionId ??= cookies.readSession(request)
  if (state.sessionId === undefined && make) {
    state.sessionId = newSessionId()
    state.sessionMustBeSet = true
  }
  if (state.sessionMustBeSet) {
    cookies.setSession(reply, request, state.sessionId!) // is never marked without one
    state.sessionMustBeSet = false
  }
  return state.sessionId
}

/** Tells the browser what identifying it has shown to be wrong with its cookies. */
export function settleCookies(cookies: Cookies, request: FastifyRequest, reply: FastifyReply, now: Date): void {
  const state = stateOf(request)
  if (state.loginMustBeCleared) cookies.clearLogin(reply, now)
  state.loginMustBeCleared = false
  sessionOf(cookies, request, reply, false)
}

export interface LoginDeps {
  readonly db: Db
  readonly cookies: Cookies
  readonly owners: Owners
  readonly who: Identification
  readonly xsrf: Xsrf
  readonly clock: Clock
  readonly log: Logger
}

/** Sets login, session and xsrf cookies; a login cookie of the same user that is still good stays as it is. */
export async function signIn(
  deps: LoginDeps,
  reply: FastifyReply,
  request: FastifyRequest,
  userId: number,
): Promise<void> {
  const { cookies, clock } = deps
  const before = await deps.who.identify(request)
  const owner = await deps.owners.findUser({ id: userId }, toDbTime(clock.now()))
  if (!owner) throw new Error(`user ${userId} signed in but does not exist`)
  const sessionId = sessionOf(cookies, request, reply, true)
  settleCookies(cookies, request, reply, clock.now())
  // A changed password gives the user a new cookie id, which ends all sessions but the one it is handed to here.
  const sameLogin = before?.proof.by === 'cookie' && stateOf(request).cookieId === owner.cookieId
  if (!sameLogin) {
    if (before?.proof.by === 'cookie' && before.id !== owner.id)
      deps.log.info({ user: owner.name, before: before.name }, 'signed in as somebody else')
    cookies.setLogin(reply, request, owner.cookieId, clock.now())
  }
  const state = stateOf(request)
  state.cookieId = owner.cookieId
  state.identity = Promise.resolve(cookieIdentity(owner, sessionId))
  state.xsrfToken = undefined
  // Set in any case: the one held was made for a stranger, or its term may be near its end.
  cookies.setXsrf(reply, await deps.xsrf.token(request, reply), 'signed-in')
}

/** Clears the cookies and revokes the OAuth tokens of this session, so that its servers see the person leave. */
export async function signOut(deps: LoginDeps, request: FastifyRequest, reply: FastifyReply): Promise<void> {
  const { cookies } = deps
  const identity = await deps.who.identify(request)
  const sessionId = cookies.readSession(request)
  // Without a login this may be somebody else's doing, so it ends no session.
  if (identity?.kind === 'user' && sessionId) {
    await deps.db
      .deleteFrom('api_tokens')
      .where('user_id', '=', identity.id)
      .where('session_id', '=', sessionId)
      .execute()
    deps.who.changed()
  }
  cookies.clearAll(reply, deps.clock.now())
  Object.assign(stateOf(request), {
    identity: Promise.resolve(undefined),
    cookieId: undefined,
    xsrfToken: undefined,
    sessionMustBeSet: false,
    loginMustBeCleared: false,
  })
}
