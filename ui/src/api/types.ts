/** What the REST API answers, as far as these pages use it: JupyterHub's models, and Orrery's own beside them. */

/** `application/jupyterhub-pagination+json` */
export interface Page<T> {
  readonly items: readonly T[]
  readonly _pagination: { readonly offset: number; readonly limit: number; readonly total: number }
}

/** Which fields come depends on what the caller may see. Times are ISO 8601. */
export interface User {
  readonly name: string
  readonly admin?: boolean
  readonly roles?: readonly string[]
  readonly groups?: readonly string[]
  readonly created?: string | null
  readonly last_activity?: string | null
  /** By name; the default server's is empty. */
  readonly servers?: Readonly<Record<string, Server>>
}

export interface Server {
  readonly name: string
  readonly display_name: string
  readonly last_activity: string | null
  readonly started: string | null
  readonly pending: 'spawn' | 'stop' | null
  readonly ready: boolean
  readonly stopped: boolean
  readonly url: string
  /** Why the last run ended. */
  readonly reason: Reason | null
  /** Of a start under way; from the event stream alone. */
  readonly progress?: Progress | null
}

export interface Reason {
  readonly code: string
  readonly message: string
  readonly next_step: string | null
  readonly administrator_step: string | null
  readonly failed?: boolean
}

export interface Progress {
  readonly percent: number
  readonly message: string
}

/** One message of `/hub/api/orrery/server-events`. */
export interface ServerEvent {
  readonly user: string
  readonly server: Server
  readonly progress: Progress | null
}

/** As `/hub/api/orrery/usage` lists it; in events of the type `usage` without points. */
export interface Usage {
  readonly user: string
  readonly server: string
  readonly at: string
  readonly memory_bytes: number
  readonly memory_limit_bytes: number | null
  /** Processors kept busy; null at the first look. */
  readonly cpu: number | null
  readonly cpu_limit: number | null
  /** Processes that were ended for lack of memory; null where nobody counts. */
  readonly memory_kills: number | null
  /** Oldest first. */
  readonly points: readonly UsagePoint[]
}

export type UsagePoint = Pick<Usage, 'at' | 'memory_bytes' | 'cpu'>

/** `/hub/api/orrery/machine` */
export interface Machine {
  readonly now: MachineFigures & {
    readonly processors: number
    readonly memory_total_bytes: number
    readonly disks: readonly { readonly holds: readonly string[]; used_bytes: number; total_bytes: number }[]
  }
  readonly day: readonly (MachineFigures & { readonly at: string; readonly cpu: number })[]
}

export interface MachineFigures {
  readonly cpu: number | null
  readonly memory_bytes: number
  readonly load: number
  readonly servers: number
}

/** As the list with `users=count` has them. */
export interface Group {
  readonly name: string
  readonly roles?: readonly string[]
  readonly user_count?: number
  readonly properties?: Readonly<Record<string, unknown>>
}

export interface Service {
  readonly name: string
  readonly admin?: boolean
  readonly roles?: readonly string[]
  readonly url?: string
  readonly prefix?: string
  readonly command?: readonly string[]
  /** 0: not run by the hub. */
  readonly pid?: number
  readonly info?: Readonly<Record<string, unknown>>
  readonly display?: boolean
}

export interface Role {
  readonly name: string
  readonly description: string
  readonly scopes: readonly string[]
  /** How many hold it. */
  readonly users: number
  readonly groups: readonly string[]
  readonly services: readonly string[]
  readonly managed_by_auth: boolean
}

export interface Token {
  readonly id: string
  readonly note: string | null
  readonly scopes: readonly string[]
  readonly created: string | null
  readonly last_activity: string | null
  readonly expires_at: string | null
  /** What holds it, when an application does. */
  readonly oauth_client: string | null
}

/** As `/hub/api/orrery/tokens` lists it; of a user or of a service. */
export interface OwnedToken extends Token {
  readonly user: string | null
  readonly service: string | null
}

/** As `/hub/api/proxies` lists it. */
export interface KeptProxy {
  readonly api_url: string
  readonly up: boolean
  /** What browsers see; null where it speaks no HTTPS, or does not tell. */
  readonly certificate: Certificate | null
}

export interface Certificate {
  readonly not_before: string | null
  readonly not_after: string | null
  /** Why there is no newer one although there should be. */
  readonly fault: string | null
}

/** `/hub/api/orrery/doctor` */
export interface HealthReport {
  readonly at: string
  readonly ok: boolean
  readonly counts: Readonly<Record<HealthLevel, number>>
  readonly findings: readonly HealthFinding[]
}

export type HealthLevel = 'ok' | 'skipped' | 'warning' | 'failure'

export interface HealthFinding {
  readonly check: string
  readonly title: string
  readonly item: string
  readonly level: HealthLevel
  readonly message: string
  readonly next_step: string | null
}

/** `/hub/api/user`: who asks. */
export interface Me extends User {
  readonly scopes: readonly string[]
}
