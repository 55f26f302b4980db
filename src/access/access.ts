import { randomBytes } from 'node:crypto'
import type { FastifyPluginAsync, FastifyReply, FastifyRequest } from 'fastify'
import type { Clock, Logger } from '../core/runtime.ts'
import { systemClock } from '../core/runtime.ts'
import { type ScopeDefinitions, scopeDefinitions } from '../core/scopes/definitions.ts'
import type { Membership } from '../core/scopes/intersect.ts'
import { unparseScopes } from '../core/scopes/parse.ts'
import type { ScopeMap } from '../core/scopes/types.ts'
import type { Database, Db } from '../db/database.ts'
import { toDbTime } from '../db/db-time.ts'
import { createActivityRecorder } from './activity.ts'
import { type CookieOptions, createCookies } from './cookies.ts'
import type { Identity } from './identity.ts'
import { ensureHubClient, type IssuedToken, issueToken, type NewToken } from './issue-token.ts'
import { createOwners, type Owner } from './owners.ts'
import { stateOf } from './request-state.ts'
import { createShortCache } from './short-cache.ts'
import { readSignedValue } from './signed-cookie.ts'
import { type CheckedToken, findTokenRow, HUB_CLIENT_ID, tokenKey, tokenScopes } from './token-check.ts'
import { createXsrf, type Xsrf } from './xsrf.ts'

/** How long an answer about a token or login may be old when another process changed it. */
const CACHE_TERM_MS = 1000
const CACHE_ENTRIES = 5000
const AUTHORIZATION = /^(?:token|bearer)\s+(\S+)$/i

export interface AccessOptions {
  readonly database: Database
  readonly cookieSecret: Uint8Array
  /** Ends with a slash. */
  readonly baseUrl: string
  readonly cookieMaxAgeDays: number
  readonly log: Logger
  readonly clock?: Clock
  /** JupyterHub's `activity_resolution`, seconds. Default 30. */
  readonly activityResolutionSeconds?: number
  readonly publicUrl?: URL | undefined
  readonly cookieHostPrefix?: boolean | undefined
  readonly sessionCookieDomain?: string | undefined
  readonly cookieOverrides?: CookieOptions['overrides']
  readonly scopeDefinitions?: ScopeDefinitions
  /** Looks at a signed-in user again; false sends a browser back to the login page. */
  readonly refreshUser?: (user: { id: number; name: string }, request: FastifyRequest) => Promise<boolean>
}

/** Who is asking, and what they may. */
export interface Access {
  /** Found once per request: the token of the `Authorization` header (API only), else the login cookie. */
  identify(request: FastifyRequest): Promise<Identity | undefined>
  /** As `identify`, for a bare token: undefined when it is unknown or has run out. */
  identifyToken(token: string): Promise<Identity | undefined>
  /** Whose login cookie this is. */
  identifyCookie(name: string, value: string): Promise<Identity | undefined>
  /** Sets login, session and xsrf cookies. */
  signIn(reply: FastifyReply, request: FastifyRequest, user: { id: number; name: string }): Promise<void>
  /** Clears the cookies and revokes the OAuth tokens of this browser session. */
  signOut(request: FastifyRequest, reply: FastifyReply): Promise<void>
  /** The id of the browser session; a new one is made, and its cookie set, when there is none. */
  session(request: FastifyRequest, reply: FastifyReply): string
  /** `via`: the transaction one is in. See `issue-token.ts` for what it refuses. */
  issueToken(token: NewToken, via?: Db): Promise<IssuedToken>
  /** True when it existed. */
  revokeToken(id: number, via?: Db): Promise<boolean>
  /** What a stored token permits now; undefined when it does not exist. Works on those that have run out, too. */
  scopesOfToken(id: number): Promise<ScopeMap | undefined>
  scopesOfUser(id: number): Promise<ScopeMap | undefined>
  scopesOfService(id: number): Promise<ScopeMap | undefined>
  groupsOf(user: string): Promise<readonly string[]>
  /** A user with roles and scopes as they stand now. */
  findUser(id: number): Promise<Owner | undefined>
  /** Who is in which groups, for intersections of scopes that name these users. */
  membershipOf(users: Iterable<string>): Promise<Membership>
  /** The part of `GET /hub/api/user` that is about the proof. */
  describe(identity: Identity): { scopes: string[]; session_id: string | null; token_id: string | null }
  readonly xsrf: Xsrf
  /** Users, groups, roles, shares or tokens have changed: forget what was remembered of them. */
  changed(): void
  /** Deletes tokens, codes and shares that have run out; call it hourly. */
  purgeExpired(): Promise<void>
  /** Sets cookies that `identify` found wanting, and calls `changed` after every request that may have changed something. */
  readonly hooks: FastifyPluginAsync
  readonly baseUrl: string
  readonly scopeDefinitions: ScopeDefinitions
  /** Writes down what activity still waits. */
  flush(): Promise<void>
}

export function createAccess(options: AccessOptions): Access {
  const { database, log, baseUrl } = options
  const { db } = database
  const clock = options.clock ?? systemClock
  const definitions = options.scopeDefinitions ?? scopeDefinitions
  const owners = createOwners(db, definitions)
  const activity = createActivityRecorder({
    database,
    resolutionMs: (options.activityResolutionSeconds ?? 30) * 1000,
    clock,
    log,
  })
  const cookies = createCookies({
    baseUrl,
    secret: options.cookieSecret,
    maxAgeDays: options.cookieMaxAgeDays,
    publicUrl: options.publicUrl,
    hostPrefix: options.cookieHostPrefix,
    sessionDomain: options.sessionCookieDomain,
    overrides: options.cookieOverrides,
  })
  const cacheOptions = { termMs: CACHE_TERM_MS, maxEntries: CACHE_ENTRIES, now: () => clock.now().getTime() }
  const tokens = createShortCache<CheckedToken | undefined>(cacheOptions)
  const logins = createShortCache<Owner | undefined>(cacheOptions)
  const dbNow = () => toDbTime(clock.now())

  const identify = (request: FastifyRequest): Promise<Identity | undefined> => {
    const state = stateOf(request)
    state.identity ??= findIdentity(request).then(identity => (state.known = identity))
    return state.identity
  }
  const xsrf = createXsrf({ secret: options.cookieSecret, cookies, clock, identify, session: sessionOf })

  return {
    identify,
    xsrf,
    baseUrl,
    scopeDefinitions: definitions,
    changed,
    flush: () => activity.flush(),
    session: (request, reply) => sessionOf(request, reply, true)!,

    async identifyToken(token) {
      const checked = await checkToken(token)
      return checked && tokenIdentity(checked)
    },

    async identifyCookie(name, value) {
      const cookieId = readSignedValue(options.cookieSecret, name, value, {
        maxAgeDays: options.cookieMaxAgeDays,
        now: clock.now(),
      })
      const owner = cookieId ? await findLogin(cookieId) : undefined
      if (owner) activity.seen('users', owner.id, owner.lastActivity)
      return owner && cookieIdentity(owner, undefined)
    },

    async signIn(reply, request, user) {
      const before = await identify(request)
      const owner = await owners.findUser({ id: user.id }, dbNow())
      if (!owner) throw new Error(`user ${user.id} signed in but does not exist`)
      sessionOf(request, reply, true)
      flushCookies(request, reply)
      if (before?.proof.by !== 'cookie' || before.id !== owner.id) {
        if (before?.proof.by === 'cookie')
          log.info({ user: owner.name, before: before.name }, 'signed in as somebody else')
        cookies.setLogin(reply, request, owner.cookieId, clock.now())
      }
      const state = stateOf(request)
      state.cookieId = owner.cookieId
      state.known = cookieIdentity(owner, sessionOf(request, reply, true))
      state.identity = Promise.resolve(state.known)
      state.xsrfToken = undefined
      cookies.setXsrf(reply, await xsrf.token(request, reply), 'signed-in')
    },

    async signOut(request, reply) {
      const identity = await identify(request)
      const sessionId = cookies.readSession(request)
      // Without a login this may be somebody else's doing, so it ends no session.
      if (identity?.kind === 'user' && sessionId) {
        await db
          .deleteFrom('api_tokens')
          .where('user_id', '=', identity.id)
          .where('session_id', '=', sessionId)
          .execute()
        changed()
      }
      const state = stateOf(request)
      state.loginMustBeCleared = false
      state.sessionMustBeSet = false
      cookies.clearAll(reply, clock.now())
      state.known = undefined
      state.identity = Promise.resolve(undefined)
      state.cookieId = undefined
    },

    async issueToken(token, via = db) {
      const issued = await issueToken(via, token, definitions, clock.now())
      changed()
      return issued
    },

    async revokeToken(id, via = db) {
      const deleted = await via.deleteFrom('api_tokens').where('id', '=', id).returning('id').executeTakeFirst()
      changed()
      return deleted !== undefined
    },

    async scopesOfToken(id) {
      const row = await db
        .selectFrom('api_tokens')
        .select(['user_id', 'service_id', 'client_id', 'scopes'])
        .where('id', '=', id)
        .executeTakeFirst()
      const owner = row && (await ownerOf(row))
      return owner && tokenScopes(row, owner, { db, owners, definitions })
    },

    async scopesOfUser(id) {
      const owner = await owners.findUser({ id }, dbNow())
      return owner?.scopes
    },

    async scopesOfService(id) {
      const owner = await owners.findService(id)
      return owner?.scopes
    },

    async groupsOf(user) {
      return (await owners.groupsOf([user])).get(user) ?? []
    },

    findUser: id => owners.findUser({ id }, dbNow()),

    async membershipOf(users) {
      const groups = await owners.groupsOf(users)
      return { groupsOf: user => groups.get(user) ?? [] }
    },

    describe: identity => ({
      scopes: [...unparseScopes(identity.scopes)].sort(),
      session_id: (identity.proof.by === 'token' && identity.proof.sessionId) || null,
      token_id: identity.proof.by === 'token' ? `a${identity.proof.tokenId}` : null,
    }),

    async purgeExpired() {
      const now = clock.now()
      for (const table of ['api_tokens', 'shares', 'share_codes'] as const) {
        await db.deleteFrom(table).where('expires_at', '<', toDbTime(now)).execute()
      }
      await db
        .deleteFrom('oauth_codes')
        .where('expires_at', '<', Math.floor(now.getTime() / 1000))
        .execute()
      changed()
    },

    hooks: markGlobal(async app => {
      await ensureHubClient(db)
      app.addHook('onSend', async (request, reply) => {
        flushCookies(request, reply)
        if (request.method !== 'GET' && request.method !== 'HEAD' && request.method !== 'OPTIONS') changed()
      })
      app.addHook('onClose', () => activity.flush())
    }),
  }

  async function findIdentity(request: FastifyRequest): Promise<Identity | undefined> {
    const path = pathOf(request)
    const state = stateOf(request)
    const isRedirect = path.startsWith(`${cookies.hubPath}user/`) // an answer to these is not yet something done
    const token = acceptsTokens(path) ? AUTHORIZATION.exec(request.headers.authorization ?? '')?.[1] : undefined
    const checked = token === undefined ? undefined : await checkToken(token)
    if (checked) {
      if (!isRedirect) recordTokenActivity(checked)
      state.cookieId = checked.owner.cookieId
      return tokenIdentity(checked)
    }

    const owner = await findCookieOwner(request)
    if (!owner) {
      if (cookies.hasLogin(request)) state.loginMustBeCleared = true
      return undefined
    }
    if (!isRedirect) activity.seen('users', owner.id, owner.lastActivity)
    if (isForeignForm(request, path)) return undefined
    if (options.refreshUser && !(await options.refreshUser({ id: owner.id, name: owner.name }, request)))
      return undefined
    if (state.sessionId === undefined && cookies.readSession(request) === undefined) {
      state.sessionId = newSessionId()
      state.sessionMustBeSet = true
    }
    state.cookieId = owner.cookieId
    return cookieIdentity(owner, state.sessionId ?? cookies.readSession(request))
  }

  async function findCookieOwner(request: FastifyRequest): Promise<Owner | undefined> {
    for (const cookieId of cookies.readLogins(request, clock.now())) {
      const owner = await findLogin(cookieId)
      if (owner) return owner
    }
    return undefined
  }

  function findLogin(cookieId: string): Promise<Owner | undefined> {
    return logins.get(tokenKey(cookieId), () => owners.findUser({ cookieId }, dbNow()))
  }

  async function checkToken(token: string): Promise<CheckedToken | undefined> {
    const checked = await tokens.get(tokenKey(token), () => loadToken(token))
    return checked && checked.expiresAt !== null && checked.expiresAt < dbNow() ? undefined : checked
  }

  async function loadToken(token: string): Promise<CheckedToken | undefined> {
    const row = await findTokenRow(db, token, dbNow())
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
      scopes: await tokenScopes(row, owner, { db, owners, definitions }),
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

  function sessionOf(request: FastifyRequest, reply: FastifyReply, make: boolean): string | undefined {
    const state = stateOf(request)
    state.sessionId ??= cookies.readSession(request)
    if (state.sessionId === undefined && make) {
      state.sessionId = newSessionId()
      state.sessionMustBeSet = true
    }
    if (state.sessionMustBeSet) flushCookies(request, reply)
    return state.sessionId
  }

  function flushCookies(request: FastifyRequest, reply: FastifyReply): void {
    const state = stateOf(request)
    if (state.loginMustBeCleared) cookies.clearLogin(reply, clock.now())
    if (state.sessionMustBeSet && state.sessionId) cookies.setSession(reply, request, state.sessionId)
    state.loginMustBeCleared = false
    state.sessionMustBeSet = false
  }

  function changed(): void {
    tokens.clear()
    logins.clear()
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

function tokenIdentity({ owner, scopes, id, clientId, sessionId }: CheckedToken): Identity {
  const proof = {
    by: 'token',
    tokenId: id,
    clientId: clientId === HUB_CLIENT_ID ? undefined : clientId,
    sessionId,
  } as const
  const { name, admin } = owner
  return owner.kind === 'user'
    ? { kind: 'user', id: owner.id, name, admin, groups: owner.groups, proof, scopes }
    : { kind: 'service', id: owner.id, name, admin, proof, scopes }
}

function cookieIdentity(owner: Owner, sessionId: string | undefined): Identity {
  const { id, name, admin, groups } = owner
  return {
    kind: 'user',
    id,
    name,
    admin,
    groups,
    proof: { by: 'cookie', sessionId },
    scopes: owner.scopes,
  }
}

function pathOf(request: FastifyRequest): string {
  const at = request.url.indexOf('?')
  return at < 0 ? request.url : request.url.slice(0, at)
}

function newSessionId(): string {
  return randomBytes(16).toString('hex')
}

/** Fastify keeps hooks to the plugin that adds them unless it carries this mark (what `fastify-plugin` sets). */
function markGlobal(plugin: FastifyPluginAsync): FastifyPluginAsync {
  return Object.assign(plugin, { [Symbol.for('skip-override')]: true })
}
