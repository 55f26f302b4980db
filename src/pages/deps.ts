/** What pages need of the rest of the hub, no more. The composition root hands in the real ones. */
import type { Access } from '../access/access.ts'
import type { Identity } from '../access/identity.ts'
import type { Clock, Json, Logger, MaybePromise } from '../core/runtime.ts'
import type { ServerKey } from '../core/server-key.ts'
import type { ProgressEvent, ServerState } from '../core/server-state.ts'
import type { SiteAddresses } from '../core/subdomains.ts'
import type { ApiDocument } from '../http/api-document.ts'
import type { Authenticated, Authenticator, LoginAttempt, Refused } from '../plugin/authenticator.ts'
import type { OptionsForm, UserRecord } from '../plugin/spawner.ts'
import type { Renderer } from './render.ts'

export interface PageDeps {
  readonly renderer: Renderer
  readonly access: PageAccess
  readonly signIn: PageSignIn
  readonly users: PageUsers
  readonly servers: PageServers
  readonly tokens: PageTokens
  readonly shares: PageShares
  /** Absent: no menu of services. */
  readonly services?: PageServices
  /** Absent: no page of the REST API. */
  readonly apiDocument?: () => ApiDocument
  /** Looks again at the users of servers; both throw HubError 403 `auth_expired`. */
  readonly refresh?: {
    beforeStart(user: UserRecord, by: Identity): Promise<void>
    beforeStop(user: UserRecord, by: Identity): Promise<void>
  }
  /** Absent: no template asks for it, or none is kept. Null for a user without any. */
  readonly authState?: (user: UserRecord) => Promise<Json>
  readonly authenticator: Pick<Authenticator, 'name' | 'login' | 'routes'>
  readonly settings: PageSettings
  readonly log: Logger
  readonly clock: Clock
}

/** Pages lie below `<baseUrl>hub/`. */
export interface PageSettings extends SiteAddresses {
  /** After signing in: to the user's server (JupyterHub's default) or to the home page. */
  readonly redirectToServer: boolean
  /** Where '/hub/' leads instead, when set; a function is asked for each visitor, undefined for nobody. */
  readonly defaultUrl?: string | ((user: UserRecord | undefined) => MaybePromise<string | undefined>)
  readonly allowNamedServers: boolean
  /** 0: any number. */
  readonly namedServerLimitPerUser: number | ((user: UserRecord) => MaybePromise<number>)
  /** The server that `/user-redirect/` leads to; empty for the default one. */
  readonly defaultServerName?: string
  /** Answer 503 instead of 424 for a stopped server, as JupyterLab before 3.4 expects. */
  readonly useLegacyStoppedServerStatusCode?: boolean
  /** The stopped-server page starts the server by itself after this time; 0 for never. */
  readonly implicitSpawnSeconds?: number
  readonly shutdownOnLogout?: boolean
  /** 0: any life. */
  readonly tokenExpiresInMaxSeconds: number
  readonly logoFile?: string
  /** The login page leads straight to the provider of an authenticator that has one. */
  readonly autoLogin?: boolean
  /** Where signing out leads. */
  readonly logoutRedirectUrl?: string
  /** A login form of the site's own, a template. */
  readonly customLoginHtml?: string | ((hubUrl: string) => string)
  readonly requestOtp?: boolean
  readonly otpPrompt?: string
  /** Terms that the login form asks to accept. */
  readonly loginTermUrl?: string
  /** Where `/user-redirect/PATH` leads; undefined for the usual place. */
  readonly userRedirect?: (visit: {
    path: string
    query: URLSearchParams
    user: UserRecord
    baseUrl: string
  }) => MaybePromise<string | undefined>
}

export type PageAccess = Pick<Access, 'identify' | 'signIn' | 'signOut' | 'xsrf' | 'scopeDefinitions'>

export interface PageSignIn {
  /** Asks the authenticator, the throttle and the access rules; finds or makes the user. */
  attempt(attempt: LoginAttempt): Promise<{ user: { id: number; name: string } } | Refused>
  /** For identities that a plug-in route has proven: access rules, find or make the user. */
  admit(authenticated: Authenticated, address: string): Promise<{ user: { id: number; name: string } } | Refused>
  /** Counts a try under a key of a plug-in's own; tells when the next one is allowed. */
  throttle(key: string, limit?: number): Promise<{ retryAfter: number } | undefined>
}

export interface PageUsers {
  find(name: string): Promise<UserRecord | undefined>
}

export interface PageServer {
  readonly name: string
  readonly displayName?: string
  readonly state: ServerState
  readonly lastActivity?: Date
}

export interface PageUsage {
  readonly latest: PageUsagePoint & {
    readonly memoryLimitBytes?: number
    readonly cpuLimit?: number
    readonly lastMemoryKillAt?: string
  }
  /** Oldest first. */
  readonly points: readonly PageUsagePoint[]
}

export interface PageUsagePoint {
  readonly at: Date
  readonly memoryBytes: number
  /** Processors kept busy. */
  readonly cpu: number | undefined
}

export interface PageServers {
  /** The default server first, also when it never ran, then those with names. */
  list(user: string): Promise<readonly PageServer[]>
  /** Undefined for a named server that does not exist; the default server always does. */
  find(key: ServerKey): Promise<PageServer | undefined>
  /** What those use that run, by their names; of some it may not be known. */
  usage(user: string): Promise<ReadonlyMap<string, PageUsage>>
  /** Asks now whether a server that is said to run still does; `find` and `list` are right about it afterwards. */
  check(key: ServerKey): Promise<unknown>
  /** Somebody looks at a page from which this user's servers are started. */
  expectStart(user: string): void
  optionsForm(key: ServerKey): Promise<OptionsForm | undefined>
  /** Resolves once the start is on its way. Throws HubError or SpawnError when it is refused. */
  start(key: ServerKey, request: { options?: Json; displayName?: string; requestedBy: string }): Promise<unknown>
  /** Resolves when nothing is pending, after `timeoutMs` at most. */
  settled(key: ServerKey, timeoutMs: number): Promise<unknown>
  stop(key: ServerKey, request: { by: string }): Promise<unknown>
  /** Deletes a stopped named server for good. */
  remove(key: ServerKey, request: { by: string }): Promise<void>
  /** The steps of the present start so far. */
  progress(key: ServerKey): Promise<readonly ProgressEvent[]>
  /** Last lines of the server's own log, without secrets; empty when there are none. */
  logs(key: ServerKey, lines: number): Promise<string>
  /** False: the spawner has none to show. */
  readonly keepsLogs: boolean
  /** All of it that is kept. */
  wholeLog(key: ServerKey, signal: AbortSignal): AsyncIterable<string>
}

export interface PageToken {
  /** `a17`, as in the REST API. */
  readonly apiId: string
  readonly note: string
  readonly scopes: readonly string[]
  readonly created?: Date
  readonly lastActivity?: Date
  readonly expiresAt?: Date
}

/** Tokens that one application holds for the user; revoking one revokes all. */
export interface PageApplication {
  readonly description: string
  readonly tokens: readonly PageToken[]
}

export interface PageTokens {
  list(user: string): Promise<{ own: readonly PageToken[]; applications: readonly PageApplication[] }>
  /** Throws HubError 400 or 403 for scopes that do not exist or that the user lacks. Returns the secret. */
  create(request: {
    user: string
    note: string
    expiresInSeconds?: number
    /** Absent: everything the user may do. */
    scopes?: readonly string[]
  }): Promise<string>
  revoke(user: string, apiId: string): Promise<boolean>
}

/** What somebody offers with a code: the use of one server of theirs. */
export interface PageInvitation {
  readonly owner: UserRecord
  readonly server: PageServer
  readonly scopes: readonly string[]
  /** The visitor has all of it already. */
  readonly isAccepted: boolean
}

export interface PageShares {
  /** Throws HubError 404 for a code that is unknown or has run out, 403 for the visitor's own, 429 after many wrong ones. */
  invitation(code: string, user: Invited): Promise<PageInvitation>
  /** The server that may be used from now on. Throws HubError 400 where `invitation` throws. */
  accept(code: string, user: Invited): Promise<ServerKey>
}

/** Who asks for an invitation, and from where: guesses are counted. */
export interface Invited {
  readonly id: number
  readonly name: string
  readonly address: string
}

export interface PageServices {
  /** Those that the menu lists for this person: with an address, to be shown, and theirs to enter. */
  accessible(identity: Identity): Promise<readonly { name: string; href: string }[]>
}
