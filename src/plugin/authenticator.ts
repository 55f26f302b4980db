import type { Json, Logger } from '../core/runtime.ts'
import type { ServerDraft } from './hooks.ts'
import type { UserRecord } from './spawner.ts'

/** One try at signing in. `form` holds the fields of the login form, each once, without `_xsrf`. */
export interface LoginAttempt {
  readonly form: Readonly<Record<string, string>>
  /** Address of the browser, forwarded headers of trusted proxies taken into account. */
  readonly address: string
  readonly headers: Readonly<Record<string, string | undefined>>
}

/** Identity proven. Whether this user may enter is decided afterwards by the access rules of the hub. */
export interface Authenticated<AuthState extends Json = Json> {
  readonly name: string
  /** Absent: keep what the database says. */
  readonly admin?: boolean
  /** Count for the access rules; with `access.manageGroups` they become the user's groups, and must be told. */
  readonly groups?: readonly string[]
  /** With `access.manageRoles` these become the user's roles, `user` only if it is among them. Absent: as they are. */
  readonly roles?: readonly ManagedRole[]
  readonly authState?: AuthState
  /** The authenticator itself vouches that this user may enter (an approved account): counts as an allow rule. */
  readonly allowed?: boolean
}

/** A role that an authenticator manages, with the fields of the config's `roles`. */
export interface ManagedRole {
  readonly name: string
  readonly description?: string
  readonly scopes?: readonly string[]
  /** All that hold it. At a sign-in only those count who exist; the user who signs in holds it anyway. */
  readonly users?: readonly string[]
  readonly groups?: readonly string[]
  readonly services?: readonly string[]
}

/** Identity not proven, or proven and turned away. `message` is shown on the login page. */
export interface Refused {
  /** Stable code: `wrong_credentials`, `waiting_for_approval`, `account_locked`, `account_expired` ... */
  readonly refused: string
  readonly message: string
  /** 401 unless it says otherwise. */
  readonly status?: 401 | 403 | 429 | 503
  /** Seconds. */
  readonly retryAfter?: number
  /** False when nothing was guessed (a provider that is down): does not count towards the lock-out. Default true. */
  readonly countsAsFailure?: boolean
  /** Path below the hub where the person can go on at once (`reset-password?link=...`): the login page sends them there. */
  readonly continueAt?: string
}

export interface AuthContext {
  readonly log: Logger
  readonly signal: AbortSignal
  now(): Date
}

/** What a page or form of an authenticator answers; the hub renders it, so authenticators know no web framework. */
export type PluginResponse =
  | { page: string; status?: number; vars?: Record<string, unknown> }
  | { redirect: string }
  | { signedIn: Authenticated; next?: string }

export interface PluginRequest {
  readonly query: Readonly<Record<string, string>>
  readonly form: Readonly<Record<string, string>>
  readonly params: Readonly<Record<string, string>>
  /** Who is signed in, if anybody. */
  readonly user: UserRecord | undefined
  readonly address: string
  readonly context: AuthContext
  /** URL of a path below the hub: `hubUrl('login')` is `/hub/login`. */
  hubUrl(path: string): string
  /** True when this address or name may not try again yet; counts the try. Keys are the caller's own; `limit`: default `signIn.failures`. */
  throttle(key: string, limit?: number): Promise<{ retryAfter: number } | undefined>
}

/** Routes below `/hub/` that an authenticator brings. POST is guarded by `_xsrf` by the hub. */
export interface PluginRouter {
  get(
    path: string,
    access: 'everyone' | 'signed-in' | 'admin',
    handler: (request: PluginRequest) => Promise<PluginResponse>,
  ): void
  post(
    path: string,
    access: 'everyone' | 'signed-in' | 'admin',
    handler: (request: PluginRequest) => Promise<PluginResponse>,
  ): void
}

/** Turns proof of identity into a user name. Keeps nothing in memory. */
export interface Authenticator<AuthState extends Json = Json> {
  readonly name: string
  readonly login:
    | { kind: 'form'; signUp?: boolean; otp?: boolean }
    | { kind: 'redirect'; label: string; url: string }
    | { kind: 'request' }
  /** Checks a filled-in login form. Unknown name and wrong password look and take the same. */
  authenticate?(attempt: LoginAttempt, context: AuthContext): Promise<Authenticated<AuthState> | Refused>
  /** Pages of its own: sign-up, OAuth callback, approval. */
  routes?(router: PluginRouter): void
  /**
   * Looks again at a signed-in user: `current` when nothing has changed, `expired` sends them to the login page. What
   * it returns stands in place of what is known; fields that are absent stay as they are.
   */
  refresh?(
    user: UserRecord,
    state: AuthState | undefined,
    context: AuthContext,
  ): Promise<Authenticated<AuthState> | 'current' | 'expired'>
  /** Before a server starts; may change what it is started with. Throws HubError to refuse. */
  /** With `access.manageRoles`: the roles there are at the start of the hub. */
  managedRoles?(context: AuthContext): Promise<readonly ManagedRole[]>
  beforeSpawn?(user: UserRecord, state: AuthState | undefined, server: ServerDraft): Promise<void>
  afterStop?(user: UserRecord, server: string): Promise<void>
  /** A hub account was made for this user. Throws HubError to refuse (no such Linux account). */
  userAdded?(user: UserRecord): Promise<void>
  userDeleted?(user: UserRecord): Promise<void>
}
