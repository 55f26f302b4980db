/** Functions of a site's own, from `hooks` and `servers` of its config, and what they are given. */
import type { Json, Logger, MaybePromise } from '../core/runtime.ts'
import type { ServerKey } from '../core/server-key.ts'
import type { Authenticated } from './authenticator.ts'
import type { UserRecord } from './spawner.ts'

/**
 * A server that is about to start: what hooks, overrides of groups and chosen options may still change. The names are
 * those of the section `servers` of the config, and so are the values; sizes and durations may be texts (`'2G'`, `'5m'`).
 */
export interface ServerDraft {
  readonly key: ServerKey
  readonly user: UserRecord
  /** What was chosen in the form or by the API. It comes from the user: check it before it is used. */
  readonly options: Json
  cmd: readonly string[]
  args: readonly string[]
  /** Variables that win over all others. A function is called when everything else is known. */
  environment: Record<string, string | ((server: ServerDraft) => string)>
  defaultUrl: string
  notebookDir: string
  memLimit: number | string | undefined
  cpuLimit: number | undefined
  taskLimit: number | undefined
  fileSizeLimit: number | string | undefined
  memGuarantee: number | string | undefined
  cpuGuarantee: number | undefined
  startTimeout: number | string
  httpTimeout: number | string
  debug: boolean
  disableUserConfig: boolean
}

/** The names of `ServerDraft` that may be changed. */
export type ServerSetting = Exclude<keyof ServerDraft, 'key' | 'user' | 'options'>

export interface HookContext {
  readonly log: Logger
  /** Aborts when the time is over, or when nobody waits for the result any more. */
  readonly signal: AbortSignal
}

export interface FormContext extends HookContext {
  /** What the authenticator told of the user and is kept; null when nothing is. */
  readonly authState: Json
}

export type StartContext = FormContext

/** Other settings for the servers of members of any of these groups. */
export interface GroupOverride {
  readonly groups: readonly string[]
  /** Values, or functions of the server that give them. Variables are added to those there are; null takes one away. */
  readonly servers: Readonly<Record<string, unknown>>
}

/** By a name that only puts them in order. */
export type GroupOverrides = Readonly<Record<string, GroupOverride>>

/** The last event of a start, as the API's event stream tells it. */
export interface ReadyEvent {
  readonly progress: 100
  readonly ready: true
  message: string
  html_message: string
  url: string
  [field: string]: unknown
}

export interface Hooks {
  /** Somebody has proven who they are and may enter; what it returns is what is known of them. Throws to refuse. */
  postAuth?(proven: Authenticated, context: HookContext & { address: string }): MaybePromise<Authenticated>
  /** What to keep as auth state, of what was told just now and of what is kept. Null forgets it. */
  reconcileAuthState?(proven: Authenticated, kept: Json, context: HookContext): MaybePromise<Json>
  /** First of all before a start: brings what is known of the user into their server. */
  authState?(server: ServerDraft, authState: Json, context: StartContext): MaybePromise<void>
  /** Last of all before a start. Throws to refuse it. */
  preSpawn?(server: ServerDraft, context: StartContext): MaybePromise<void>
  /** After a server is gone, however it ended. Its failure is logged only. */
  postStop?(server: { readonly key: ServerKey; readonly user: UserRecord }, context: HookContext): MaybePromise<void>
  /** May change the words of the event that tells that a server is ready. Its failure is logged only. */
  progressReady?(event: ReadyEvent, server: ServerKey): MaybePromise<ReadyEvent>
}
