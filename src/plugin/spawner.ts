import type { Json, Logger, MaybePromise } from '../core/runtime.ts'
import type { ServerKey } from '../core/server-key.ts'

/** The user a server is for. */
export interface UserRecord {
  readonly id: number
  readonly name: string
  readonly admin: boolean
  readonly groups: readonly string[]
}

/** Where a single-user server shall listen, as it stands in `JUPYTERHUB_SERVICE_URL`. */
export interface BindAddress {
  readonly ip: string
  readonly port: number
}

/** Where the hub and the proxy reach a running server. */
export interface Address {
  readonly proto: 'http' | 'https' | 'http+unix'
  /** Host name or address; for `http+unix` the path of the socket. */
  readonly host: string
  /** 0 for `http+unix`. */
  readonly port: number
}

/** A private key, its certificate and the authorities to trust, as PEM texts: what a server with internal TLS is given. */
export interface ServerTls {
  readonly key: string
  readonly cert: string
  readonly ca: string
}

/** Where the three lie as the server sees it. */
export interface TlsFilePaths {
  readonly keyFile: string
  readonly certFile: string
  readonly caFile: string
}

/** How a server ended, as far as is known. */
export interface Exit {
  /** Exit status; absent when unknown, for example because nobody was its parent any more. */
  readonly status?: number
  readonly signal?: string
  /** More than a status says: `out_of_memory`, `node_lost`. */
  readonly reason?: string
}

/** What a server uses, together with all that it has started. */
export interface ServerUsage {
  /** What ending it would give back, as closely as can be told. */
  readonly memoryBytes: number
  /** What it may use at most; absent: as much as there is. */
  readonly memoryLimitBytes?: number
  /** Processor time used so far. Only the difference of two answers is looked at. */
  readonly cpuSeconds: number
  /** How many processors' time it may use at most; absent: all. */
  readonly cpuLimit?: number
  readonly processes?: number
  /** How many of its processes were ended because the limit of its memory was reached, since it was started. */
  readonly memoryKills?: number
  /** When the last of them was; ISO 8601. */
  readonly lastMemoryKillAt?: string
}

/** Everything a spawner is told of the server it shall run. Made anew for each call; spawners keep none of it. */
export interface ServerSpec<Options extends Json = Json> {
  readonly key: ServerKey
  readonly user: UserRecord
  /** Choices from the form or the API, checked by `options`. */
  readonly options: Options
  /** Program and arguments: `['jupyterhub-singleuser', ...]`. */
  readonly command: readonly string[]
  /**
   * The whole environment of JupyterHub's contract, given where the server shall listen, and where the files of `tls` lie
   * if the spawner has placed them itself.
   */
  environment(bind: BindAddress, tlsFiles?: TlsFilePaths): Record<string, string>
  /**
   * With internal TLS: the spawner moves these to where the server runs, readable for it alone, and returns an address
   * with `https`; any other is refused.
   */
  readonly tls?: ServerTls
  /** Where it lies below the public address: `/user/alice/` or `/user/alice/gpu/`. */
  readonly prefix: string
  /** Path below the user's home, or absolute; empty for the home itself. */
  readonly notebookDir: string
  readonly limits: {
    readonly memoryBytes?: number
    readonly cpus?: number
    /** Processes and threads. */
    readonly tasks?: number
    /** The largest file it may write. */
    readonly fileBytes?: number
  }
  /** What the server is sure to have, where the machine can promise it. */
  readonly guarantees?: { readonly memoryBytes?: number; readonly cpus?: number }
  /** Where the site wants servers to listen: an empty `ip` is every address; what is absent is the spawner's choice. */
  readonly listen?: Partial<BindAddress>
  /** Seconds between asking a server to end and killing it. */
  readonly stopTimeoutMs: number
}

export interface SpawnRun<State extends Json> {
  /** Aborts on start timeout, Stop pressed, or when another hub took over. `signal.reason` tells which. */
  readonly signal: AbortSignal
  /** Stores the state at once, so that any hub can find what was made. Rejects when the lease is lost. */
  saveState(state: State): Promise<void>
  progress(event: { percent?: number; message: string; htmlMessage?: string; rawEvent?: Json }): void
  readonly log: Logger
}

/** What a form sent: each name with its values. */
export type FormFields = Readonly<Record<string, readonly string[]>>

/** A form shown before the start: HTML fields as JupyterHub's `options_form`, and what turns its answer into options. */
export interface OptionsForm<Options extends Json = Json> {
  readonly html: string
  /** In place of `html`: profiles, which the hub's own template draws. */
  readonly profiles?: ProfileCards
  parse(form: FormFields): MaybePromise<Options>
}

/** `refused`: what was sent and is wrong, to be shown again. */
export type ProfileCards = (refused?: {
  readonly form: FormFields
  readonly fields: Readonly<Record<string, string>>
}) => readonly ProfileCard[]

export interface ProfileCard {
  readonly name: string
  readonly label: string
  readonly description: string
  readonly isChosen: boolean
  readonly fields: readonly ProfileField[]
}

export interface ProfileField {
  /** Of the form: `small.memory`. */
  readonly name: string
  readonly type: 'choice' | 'number' | 'text' | 'switch'
  readonly label: string
  readonly description: string
  /** Of a choice its name; of a switch `on` or nothing. */
  readonly value: string
  readonly fault?: string
  readonly choices?: readonly { readonly name: string; readonly label: string; readonly description: string }[]
  readonly number?: { readonly min: number; readonly max: number; readonly step: number; readonly unit: string }
  readonly text?: { readonly pattern?: string; readonly maxLength: number }
}

/** Where to read a log; all absent: from its beginning on. */
export interface LogPlace {
  /** The last lines of it; the other fields are not looked at. */
  readonly lines?: number | undefined
  /** The `next` of an earlier part. */
  readonly after?: string | undefined
  /** The `next` of a part that somebody else read: no further than that. */
  readonly until?: string | undefined
  /** Also a last line that has no end yet; the server writes no more. */
  readonly whole?: boolean | undefined
}

/** Some whole lines of a log, secrets masked. */
export interface LogPart {
  readonly text: string
  /** Names the place behind it for as long as the server's log is kept; opaque. */
  readonly next: string
  /** There was no more at the time. */
  readonly isEnd: boolean
  /** What followed the place is not there any more; this is the beginning of what is. */
  readonly isLost?: boolean
}

/** Runs one user's server somewhere. Remembers only `state`, whose keys are those of JupyterHub's spawners. */
export interface Spawner<Options extends Json = Json, State extends Json = Json> {
  readonly name: string
  /**
   * The form this user fills in before a start; absent or undefined for none. `last`: what was chosen for this server
   * the last time, undefined when it never started.
   */
  options?(user: UserRecord, signal: AbortSignal, last?: Json): Promise<OptionsForm<Options> | undefined>
  /** Checks options that came by API; throws SpawnError with status 400 for a wrong one. */
  checkOptions?(user: UserRecord, options: Json): Options
  /**
   * This user is likely to start a server of this program soon: they look at a page from which they can, and none runs. Here a
   * spawner does beforehand what takes long, in bounds of its own, for it may be in vain; what it leaves behind ends by
   * itself. Called in the background, once at a time for a user, again and again as long as they look; a failure is logged
   * and nothing more. Absent: there is nothing to do beforehand.
   */
  prepare?(user: UserRecord, server: Pick<ServerSpec, 'command'>, signal: AbortSignal): Promise<void>
  /** Starts the server and returns where it will listen; does not wait until it answers. Throws SpawnError. */
  start(server: ServerSpec<Options>, run: SpawnRun<State>): Promise<Address>
  /** Undefined while it runs, else how it ended. Throws when it cannot be known (a scheduler that does not answer). */
  poll(key: ServerKey, state: State, signal: AbortSignal): Promise<Exit | undefined>
  /**
   * Does what listens at `address` belong to the server of `state`? Asked before a route is made. Absent: the spawner
   * cannot tell, and the hub relies on the HTTP check alone.
   */
  owns?(key: ServerKey, state: State, address: Address, signal: AbortSignal): Promise<boolean>
  /**
   * Where a server of this state listens, or will, if the state tells: asked when a hub ended before `start` returned,
   * so that another one can finish the start. Absent or undefined: such a server is stopped. (JupyterHub's `get_url`.)
   */
  address?(key: ServerKey, state: State, signal: AbortSignal): Promise<Address | undefined>
  /**
   * `address` tells by what `saveState` has stored alone, as soon as `start` returns: the hub need not write it down before
   * the server answers. Default false.
   */
  readonly stateTellsAddress?: boolean
  /** Ends it and returns when it is gone. Ending what is gone already is no error. `now`: kill at once. */
  stop(key: ServerKey, state: State, how: { now: boolean; timeoutMs: number; signal: AbortSignal }): Promise<void>
  /** Removes what outlives a server (volumes and the like) when it is deleted for good. */
  forget?(key: ServerKey, state: State): Promise<void>
  /**
   * What each of these servers uses now, in their order; undefined for one that does not run or cannot be told of. Asked
   * every few seconds for all that run, in one call. Absent: pages show no usage.
   */
  usage?(
    servers: readonly { readonly key: ServerKey; readonly state: State }[],
    signal: AbortSignal,
  ): Promise<readonly (ServerUsage | undefined)[]>
  /** The last lines of the server's log. */
  logs?(key: ServerKey, state: State | undefined, lines: number): Promise<string>
  /** The log in parts, for downloads and for who follows it. Absent: `logs` is asked again and again. */
  readLog?(key: ServerKey, state: State | undefined, place: LogPlace, signal: AbortSignal): Promise<LogPart>
}
