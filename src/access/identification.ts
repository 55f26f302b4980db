import type { FastifyRequest } from 'fastify'
import { HubError } from '../core/errors.ts'
import type { Clock, Logger } from '../core/runtime.ts'
import type { ScopeDefinitions } from '../core/scopes/definitions.ts'
import type { Database } from '../db/database.ts'
import { toDbTime } from '../db/db-time.ts'
import type { ActivityRecorder } from './activity.ts'
import type { Cookies } from './cookies.ts'
import type { Identity } from './identity.ts'
import type { Owner, Owners } from './owners.ts'
import { newSessionId, stateOf } from './request-state.ts'
import { createShortCache } from './short-cache.ts'
import { type CheckedToken, findTokenRow, HUB_CLIENT_ID, tokenKey, tokenScopes } from './token-check.ts'

/** How long an answer about a token or login may be old when another process changed it. */
const CACHE_TERM_MS = 1000
const CACHE_ENTRIES = 5000
const AUTHORIZATION = /^(?:token|bearer)\s+(\S+)$/i

/**
 * Tokens of this length and more are random and cannot be guessed, so a right one always passes: a class behind one
 * address cannot be locked out of its servers. Only operators choose shorter ones, for services.
 */
const GUESSABLE_BELOW = 32

/** Stops guessing of tokens; `features/sign-in/guess-limit.ts`. Both throw HubError 429 when there were too many. */
export interface TokenGuesses {
  check(address: string): Promise<void>
  wrong(address: string, token: string): Promise<void>
}

/** Finds out who is asking, and remembers it for a second. */
export interface Identification {
  identify(request: FastifyRequest): Promise<Identity | undefined>
  identifyToken(token: string): Promise<Identity | undefined>
  /** The user of a login cookie whose signature was checked. */
  identifyCookieId(cookieId: string): Promise<Identity | undefined>
  ownerOf(row: { user_id: number | null; service_id: number | null }): Promise<Owner | undefined>
  changed(): void
}

/** Undefined when nothing is due. `expired` ends a login, and refuses a token. */
export type RefreshUser = (
  user: { id: number; name: string },
  by: 'cookie' | 'token',
) => Promise<'same' | 'changed' | 'expired'> | undefined

export interface IdentificationDeps {
  readonly database: Database
  readonly owners: Owners
  readonly cookies: Cookies
  readonly activity: ActivityRecorder
  readonly definitions: ScopeDefinitions
  readonly clock: Clock
  readonly log: Logger
  readonly tokenGuesses: TokenGuesses | undefined
  readonly refreshUser: RefreshUser | undefined
}

export function createIdentification(deps: IdentificationDeps): Identification {
  const { database, owners, cookies, activity, clock, log } = deps
  const cacheOptions = { termMs: CACHE_TERM_MS, maxEntries: CACHE_ENTRIES, now: () => clock.now().getTime() }
  const tokens = createShortCache<CheckedToken | undefined>(cacheOptions)
  const logins = createShortCache<Owner | undefined>(cacheOptions)
  const dbNow = () => toDbTime(clock.now())

  return {
    identify(request) {
      const state = stateOf(request)
      state.identity ??= byTokenOrCookie(request)
      return state.identity
    },

    async identifyToken(token) {
      const checked = await checkToken(token)
      if (checked) recordTokenActivity(checked)
      return checked && tokenIdentity(checked)
    },

    async identifyCookieId(cookieId) {
      const owner = await findLogin(cookieId)
      if (owner) activity.seen('users', owner.id, owner.lastActivity)
      return owner && cookieIdentity(owner, undefined)
    },

    ownerOf,

    changed() {
      tokens.clear()
      logins.clear()
    },
  }

  /** A token that is no good does not shadow a good cookie. As JupyterHub. */
  async function byTokenOrCookie(request: FastifyRequest): Promise<Identity | undefined> {
    const path = pathOf(request)
    // An address of a stopped server is only redirected; that is not yet something its user did.
    const isActivity = !path.startsWith(`${cookies.hubPath}user/`)
    const token = acceptsTokens(path) ? AUTHORIZATION.exec(request.headers.authorization ?? '')?.[1] : undefined
    if (token === undefined) return byCookie(request, path, isActivity)
    if (token.length < GUESSABLE_BELOW) await deps.tokenGuesses?.check(request.ip)
    const found = (await byToken(request, token, isActivity)) ?? (await byCookie(request, path, isActivity))
    if (!found) await deps.tokenGuesses?.wrong(request.ip, token)
    return found
  }

  async function byToken(request: FastifyRequest, token: string, isActivity: boolean): Promise<Identity | undefined> {
    const found = await checkToken(token)
    if (!found) return undefined
    if (isActivity) recordTokenActivity(found)
    const checked = deps.refreshUser ? await refreshed(found, token) : found
    if (!checked) return undefined
    stateOf(request).cookieId = checked.owner.cookieId
    return tokenIdentity(checked)
  }

  async function refreshed(found: CheckedToken, token: string): Promise<CheckedToken | undefined> {
    const verdict = found.owner.kind === 'user' ? await deps.refreshUser!(found.owner, 'token') : undefined // asked above
    if (verdict === 'expired') {
      throw new HubError('auth_expired', {
        status: 403,
        message: `The sign-in of ${found.owner.name} has expired.`,
        nextStep: 'Sign in again.',
      })
    }
    return verdict === 'changed' ? checkToken(token) : found
  }

  async function byCookie(request: FastifyRequest, path: string, isActivity: boolean): Promise<Identity | undefined> {
    const state = stateOf(request)
    let owner = await findCookieOwner(request)
    if (!owner) {
      if (cookies.hasLogin(request)) state.loginMustBeCleared = true
      return undefined
    }
    if (isActivity) activity.seen('users', owner.id, owner.lastActivity)
    if (isForeignForm(request, path)) return undefined
    const refreshing = deps.refreshUser?.(owner, 'cookie')
    const verdict = refreshing && (await refreshing)
    if (verdict === 'expired') return undefined
    if (verdict === 'changed') owner = (await findCookieOwner(request)) ?? owner
    state.sessionId ??= cookies.readSession(request)
    if (state.sessionId === undefined) {
      state.sessionId = newSessionId()
      state.sessionMustBeSet = true
    }
    state.cookieId = owner.cookieId
    return cookieIdentity(owner, state.sessionId)
  }

  async function findCookieOwner(request: FastifyRequest): Promise<Owner | undefined> {
    for (const cookieId of cookies.readLogins(request, clock.now())) {
      const owner = await findLogin(cookieId)
      if (owner) return owner
    }
    return undefined
  }

  function findLogin(cookieId: string): Promise<Owner | undefined> {
    return logins.get(tokenKey(cookieId), async () => {
      const user = await database.hot.findUserByCookieId(cookieId)
      return user && owners.ofUser(user, dbNow())
    })
  }

  async function checkToken(token: string): Promise<CheckedToken | undefined> {
    const checked = await tokens.get(tokenKey(token), () => loadToken(token))
    return checked && checked.expiresAt !== null && checked.expiresAt < dbNow() ? undefined : checked
  }

  async function loadToken(token: string): Promise<CheckedToken | undefined> {
    const row = await findTokenRow(database.hot, token, dbNow())
    const owner = row && (await ownerOf(row))
    if (!row || !owner) return undefined
    if (!row.client_id) {
      log.warn({ tokenId: row.id, owner: owner.name }, 'refused a token whose OAuth client is gone')
      return undefined
    }
    return {
      id: row.id,
      clientId: row.client_id,
      sessionId: row.session_id ?? undefined,
      note: row.note ?? '',
      expiresAt: row.expires_at,
      lastActivity: row.last_activity,
      owner,
      scopes: await tokenScopes(row, owner, { db: database.db, owners, definitions: deps.definitions }),
    }
  }

  async function ownerOf(row: { user_id: number | null; service_id: number | null }): Promise<Owner | undefined> {
    if (row.user_id !== null) return owners.findUser({ id: row.user_id }, dbNow())
    return row.service_id === null ? undefined : owners.findService(row.service_id)
  }

  /** A server's own calls are no activity of its user. */
  function recordTokenActivity(token: CheckedToken): void {
    activity.seen('api_tokens', token.id, token.lastActivity)
    if (token.owner.kind === 'user' && !token.note.startsWith('Server at ')) {
      activity.seen('users', token.owner.id, token.owner.lastActivity)
    }
  }

  /** Pages take cookies only: a link must not be able to carry somebody else's login. */
  function acceptsTokens(path: string): boolean {
    const hub = cookies.hubPath
    if (path === `${hub}metrics` || path.startsWith(`${hub}user/`)) return true
    return path.startsWith(`${hub}api/`) && path !== `${hub}api/oauth2/authorize`
  }

  /** A form of another site can be posted to the API with the browser's cookies; JSON cannot without our consent. */
  function isForeignForm(request: FastifyRequest, path: string): boolean {
    if (request.method !== 'POST' || !acceptsTokens(path)) return false
    const type = request.headers['content-type']
    return (
      type !== undefined &&
      !type
        .toLowerCase()
        .split(';')
        .some(part => part.trimStart().startsWith('application/json'))
    )
  }
}

export function cookieIdentity(owner: Owner, sessionId: string | undefined): Identity {
  const { id, name, admin, groups, scopes } = owner
  return { kind: 'user', id, name, admin, groups, proof: { by: 'cookie', sessionId }, scopes }
}

function tokenIdentity({ owner, scopes, id, clientId, sessionId }: CheckedToken): Identity {
  const madeByPerson = clientId === HUB_CLIENT_ID
  const proof = { by: 'token', tokenId: id, clientId: madeByPerson ? undefined : clientId, sessionId } as const
  const { name, admin } = owner
  return owner.kind === 'user'
    ? { kind: 'user', id: owner.id, name, admin, groups: owner.groups, proof, scopes }
    : { kind: 'service', id: owner.id, name, admin, proof, scopes }
}

function pathOf(request: FastifyRequest): string {
  const at = request.url.indexOf('?')
  return at < 0 ? request.url : request.url.slice(0, at)
}
