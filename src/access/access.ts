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
import { sessionOf, settleCookies, signIn, signOut } from './browser-login.ts'
import { type CookieOptions, createCookies } from './cookies.ts'
import { createIdentification, type RefreshUser, type TokenGuesses } from './identification.ts'
import type { Identity } from './identity.ts'
import { ensureHubClient, type IssuedToken, issueToken, type NewToken } from './issue-token.ts'
import { createOwners, type Owner } from './owners.ts'
import { purgeExpired } from './purge-expired.ts'
import { readSignedValue } from './signed-cookie.ts'
import { tokenScopes } from './token-check.ts'
import { createXsrf, type Xsrf } from './xsrf.ts'

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
  /** Stops guessing of tokens. Absent: wrong ones are not counted. */
  readonly tokenGuesses?: TokenGuesses
  /** Looks at a signed-in user again where that is due; see `Refresher.look` of `features/sign-in/refresh.ts`. */
  readonly refreshUser?: RefreshUser
}

declare module 'fastify' {
  interface FastifyContextConfig {
    /** False where a request other than GET changes nothing about who may do what, so that nothing must be read anew. */
    changesAccess?: boolean
  }
}

/** Who is asking, and what they may. */
export interface Access {
  /** Found once per request: the token of the `Authorization` header (API only), else the login cookie. */
  identify(request: FastifyRequest): Promise<Identity | undefined>
  /** As `identify`, for a bare token: undefined when it is unknown or has run out. */
  identifyToken(token: string): Promise<Identity | undefined>
  /** Whose login cookie this is. */
  identifyCookie(name: string, value: string): Promise<Identity | undefined>
  /** A token or secret that came otherwise than in the header was wrong. Throws HubError 429 after too many of them. */
  wrongToken(request: FastifyRequest, token: string): Promise<void>
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
  const { database, log, baseUrl, cookieSecret } = options
  const { db } = database
  const clock = options.clock ?? systemClock
  const definitions = options.scopeDefinitions ?? scopeDefinitions
  const owners = createOwners(db, definitions)
  const resolutionMs = (options.activityResolutionSeconds ?? 30) * 1000
  const activity = createActivityRecorder({ database, resolutionMs, clock, log })
  const cookies = createCookies({
    baseUrl,
    secret: cookieSecret,
    maxAgeDays: options.cookieMaxAgeDays,
    publicUrl: options.publicUrl,
    hostPrefix: options.cookieHostPrefix,
    sessionDomain: options.sessionCookieDomain,
    overrides: options.cookieOverrides,
  })
  const { refreshUser, tokenGuesses } = options
  const who = createIdentification({
    database,
    owners,
    cookies,
    activity,
    definitions,
    clock,
    log,
    tokenGuesses,
    refreshUser,
  })
  const session = (request: FastifyRequest, reply: FastifyReply, make: boolean) =>
    sessionOf(cookies, request, reply, make)
  const xsrf = createXsrf({ secret: cookieSecret, cookies, clock, identify: who.identify, session })
  const login = { db, cookies, owners, who, xsrf, clock, log }
  const dbNow = () => toDbTime(clock.now())

  return {
    xsrf,
    baseUrl,
    scopeDefinitions: definitions,
    identify: who.identify,
    identifyToken: who.identifyToken,
    wrongToken: async (request, token) => tokenGuesses?.wrong(request.ip, token),
    changed: who.changed,
    flush: () => activity.flush(),
    signIn: (reply, request, user) => signIn(login, reply, request, user.id),
    signOut: (request, reply) => signOut(login, request, reply),
    session: (request, reply) => session(request, reply, true)!, // made when there is none

    async identifyCookie(name, value) {
      const limits = { maxAgeDays: options.cookieMaxAgeDays, now: clock.now() }
      const cookieId = readSignedValue(cookieSecret, name, value, limits)
      return cookieId ? who.identifyCookieId(cookieId) : undefined
    },

    // Nothing that is remembered changes by it: who is unknown is not remembered.
    issueToken: (token, via = db) => issueToken(via, token, definitions, clock.now()),

    async revokeToken(id, via = db) {
      const deleted = await via.deleteFrom('api_tokens').where('id', '=', id).returning('id').executeTakeFirst()
      who.changed()
      return deleted !== undefined
    },

    async scopesOfToken(id) {
      const row = await db
        .selectFrom('api_tokens')
        .select(['user_id', 'service_id', 'client_id', 'scopes'])
        .where('id', '=', id)
        .executeTakeFirst()
      const owner = row && (await who.ownerOf(row))
      return owner && tokenScopes(row, owner, { db, owners, definitions })
    },

    scopesOfUser: async id => (await owners.findUser({ id }, dbNow()))?.scopes,
    scopesOfService: async id => (await owners.findService(id))?.scopes,
    findUser: id => owners.findUser({ id }, dbNow()),
    groupsOf: async user => (await owners.groupsOf([user])).get(user) ?? [],

    async membershipOf(users) {
      const groups = await owners.groupsOf(users)
      return { groupsOf: user => groups.get(user) ?? [] }
    },

    describe: ({ scopes, proof }) => ({
      scopes: sortedScopes(scopes),
      session_id: (proof.by === 'token' && proof.sessionId) || null,
      token_id: proof.by === 'token' ? `a${proof.tokenId}` : null,
    }),

    async purgeExpired() {
      await purgeExpired(db, clock.now())
      who.changed()
    },

    hooks: markGlobal(async app => {
      await ensureHubClient(db)
      app.addHook('onSend', (request, reply, payload, done) => {
        settleCookies(cookies, request, reply, clock.now())
        if (!isReadOnly(request) && request.routeOptions.config.changesAccess !== false) who.changed()
        done(null, payload)
      })
      app.addHook('onClose', () => activity.flush())
    }),
  }
}

const sorted = new WeakMap<ScopeMap, readonly string[]>()

/** Identities are kept for a moment, and programs ask again and again who they are. */
function sortedScopes(scopes: ScopeMap): string[] {
  const list = sorted.get(scopes) ?? [...unparseScopes(scopes)].sort()
  sorted.set(scopes, list)
  return [...list]
}

function isReadOnly({ method }: FastifyRequest): boolean {
  return method === 'GET' || method === 'HEAD' || method === 'OPTIONS'
}

/** Fastify keeps hooks to the plugin that adds them unless it carries this mark (what `fastify-plugin` sets). */
function markGlobal(plugin: FastifyPluginAsync): FastifyPluginAsync {
  return Object.assign(plugin, { [Symbol.for('skip-override')]: true })
}
