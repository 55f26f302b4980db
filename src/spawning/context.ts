/** What every step of spawning is given: the parts of the hub it works with, and the site's choices. */
import type { Profile } from '../config/profiles-option.ts'
import type { Clock, Json, Logger, MaybePromise } from '../core/runtime.ts'
import type { ServerKey } from '../core/server-key.ts'
import type { Database, DbTransaction } from '../db/database.ts'
import type { ClientTls } from '../pki/internal/client-tls.ts'
import type { ServerDraft } from '../plugin/hooks.ts'
import type { BindAddress, ServerSpec, ServerTls, Spawner, UserRecord } from '../plugin/spawner.ts'
import type { RouteKeeper } from '../routing/route-keeper.ts'
import type { EnvironmentSettings } from './environment.ts'
import type { Signals } from './signals.ts'

/** Asked before each start. */
export type ScopesOfServer = (user: UserRecord, server: string) => MaybePromise<readonly string[]>

export interface SpawningSettings {
  /** `['jupyterhub-singleuser', ...]`. */
  readonly command: readonly string[]
  /** More arguments for it. */
  readonly args?: readonly string[]
  /** Folder the server shows; `{username}` is replaced; empty for the home. */
  readonly notebookDir?: string
  readonly limits?: ServerSpec['limits']
  /** What a server is sure to have, as far as the spawner can see to it. */
  readonly guarantees?: { readonly memoryBytes?: number; readonly cpus?: number }
  /** Where servers shall listen; what is absent is the spawner's choice. */
  readonly listen?: Partial<BindAddress>
  /** Scopes of the server's API token; those of the role `server` when absent or empty. */
  readonly serverTokenScopes?: readonly string[] | ScopesOfServer
  /** What a server may ask of people who visit it, besides access to itself. Default none. */
  readonly oauthClientAllowedScopes?: readonly string[] | ScopesOfServer
  /** How long `Spawner.start` may take. Default 60 s, as in JupyterHub. */
  readonly startTimeoutMs?: number
  /** How long a started server may take to answer HTTP. Default 30 s. */
  readonly httpTimeoutMs?: number
  /** Between asking a server to end and killing it. Default 10 s. */
  readonly stopTimeoutMs?: number
  /** Default 30 s. */
  readonly pollIntervalMs?: number
  /** By which part of it a look may come sooner or later. Default 0.1. */
  readonly pollJitter?: number
  /** After how much silence another hub takes over a start or a stop. Default 15 s. */
  readonly leaseTermMs?: number
  /** Starts at the same time, over all hubs. Default 100; 0 for no limit. */
  readonly concurrentSpawnLimit?: number
  /** Servers at the same time. Default 0: no limit. */
  readonly activeServerLimit?: number
  /** Seconds, between which `Retry-After` is drawn when too many starts are under way. Default 30 to 60. */
  readonly retryAfterSeconds?: readonly [from: number, to: number]
  readonly allowNamedServers?: boolean
  /** Default 0: no limit. */
  readonly namedServerLimit?: number | ((user: UserRecord) => number | Promise<number>)
  /** May servers from before JupyterHub 6, whose names are not allowed any more, be started? Default true. */
  readonly allowInvalidNamedServerStart?: boolean
  /** `onTooManyFailures` is called after so many failed starts in a row. Default 0: never. */
  readonly consecutiveFailureLimit?: number
}

/** The two secrets a server gets. The app maps this to access and OAuth. */
export interface ServerAccess {
  /** As much of these scopes as the user may hand on, as JupyterHub's `server_token_scopes`. */
  scopesHeld(user: UserRecord, scopes: readonly string[]): Promise<readonly string[]>
  /** With scopes that the user holds. */
  issueToken(
    tx: DbTransaction,
    token: { user: UserRecord; scopes: readonly string[]; note: string },
  ): Promise<{ token: string; id: number }>
  /** Makes the client or brings it up to date; its secret is the server's token. */
  ensureOauthClient(
    tx: DbTransaction,
    client: {
      identifier: string
      secret: string
      redirectUri: string
      description: string
      allowedScopes: readonly string[]
    },
  ): Promise<void>
  /** Called after tokens were deleted, for caches. */
  tokensRevoked?(): void
}

/** As what servers are told, but for variables that are made for each server. */
export interface SiteEnvironment extends Omit<EnvironmentSettings, 'extra'> {
  /** Wins over everything else. */
  readonly extra?: ServerDraft['environment']
}

export interface SpawningHooks {
  /** Changes what a server is started with. Throws to refuse; `signal` aborts when its time is over. */
  prepare?: ((server: ServerDraft, signal: AbortSignal) => Promise<void>) | undefined
  /** `Authenticator.beforeSpawn`; comes before `prepare`. May throw to refuse. */
  beforeStart?(server: ServerDraft): Promise<void>
  /** After a server is gone, however it ended. Its failure is logged only. */
  afterStop?(user: UserRecord, server: string): Promise<void>
  onTooManyFailures?(failures: number): void
}

/** For metrics; `outcome` is a reason's code or `success`. Times in milliseconds. */
export interface SpawningObserver {
  started?(key: ServerKey, outcome: string, ms: number): void
  /** `asked`: somebody wanted it, against a server that ended by itself or never came up. */
  stopped?(key: ServerKey, outcome: string, ms: number, asked: boolean): void
  polled?(outcome: 'running' | 'ended' | 'unknown', ms: number): void
}

export interface TlsOfServers {
  /** How the hub connects to this server, and how it knows it from others. */
  connectTo(key: ServerKey): ClientTls
  /** For one run of a server that will listen on `ip`, if that is known. */
  issue(server: { key: ServerKey; user: UserRecord; ip: string | undefined }): Promise<ServerTls>
}

export interface SpawningDeps {
  readonly database: Database
  readonly spawner: Spawner
  readonly routes: Pick<RouteKeeper, 'set' | 'remove'>
  readonly access: ServerAccess
  /** Unique to this process: host, pid and something random. */
  readonly holder: string
  readonly environment: SiteEnvironment
  readonly settings: SpawningSettings
  readonly log: Logger
  readonly clock: Clock
  readonly hooks?: SpawningHooks
  /** What people choose from before a start; empty or absent: the form of the site or of the spawner. */
  readonly profiles?: readonly Profile[]
  /** The site's own form; it stands in place of the spawner's. */
  readonly optionsForm?: Spawner['options']
  readonly observer?: SpawningObserver
  /** Internal TLS; without it servers speak plain HTTP. */
  readonly tls?: TlsOfServers | undefined
}

export interface SpawningContext extends SpawningDeps {
  readonly settings: Required<SpawningSettings>
  readonly signals: Signals
  /** Aborts when the hub closes: waits end, servers stay. */
  readonly closing: AbortSignal
  readonly hooks: SpawningHooks
  readonly observer: SpawningObserver
  /** Work that goes on after the answer; its failure is logged. */
  goOn(task: Promise<void>): void
  /** Calls of `Spawner.start` that another hub could not finish: one that closes lets them come to an end if it can. */
  readonly delicate: Set<Promise<unknown>>
  /** Of this process, over all servers. */
  readonly failures: { inARow: number }
}

export function withDefaults(settings: SpawningSettings): Required<SpawningSettings> {
  return {
    args: [],
    notebookDir: '',
    limits: {},
    guarantees: {},
    listen: {},
    serverTokenScopes: [],
    oauthClientAllowedScopes: [],
    startTimeoutMs: 60_000,
    httpTimeoutMs: 30_000,
    stopTimeoutMs: 10_000,
    pollIntervalMs: 30_000,
    pollJitter: 0.1,
    leaseTermMs: 15_000,
    concurrentSpawnLimit: 100,
    activeServerLimit: 0,
    retryAfterSeconds: [30, 60],
    allowNamedServers: false,
    namedServerLimit: 0,
    allowInvalidNamedServerStart: true,
    consecutiveFailureLimit: 0,
    ...Object.fromEntries(Object.entries(settings).filter(([, value]) => value !== undefined)),
    command: settings.command,
  }
}

/** A spawner's state as it is stored; JupyterHub writes `{}` for none. */
export type SpawnerState = Json
