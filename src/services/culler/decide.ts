/** The rules by which a server is stopped or left alone. */
import type { Limits } from './limits.ts'

/** What a server told of itself. */
export type ServerReport =
  | {
      readonly kind: 'status'
      readonly kernels: number
      /** Kernels that compute, or of which that cannot be excluded. */
      readonly busy: number
      /** WebSockets to kernels: tabs that are open somewhere. */
      readonly connections: number
      readonly terminals: number
      /** Since the last request, message of a kernel or output of a terminal, by the server's own clock. */
      readonly idleSeconds: number
    }
  /** It answers, but is no Jupyter server: it knows no status API. */
  | { readonly kind: 'no-status-api' }
  /** Nothing answered in time. */
  | { readonly kind: 'silent' }
  /** It answered something that tells nothing for sure. */
  | { readonly kind: 'unclear'; readonly why: string }

export interface ServerFacts {
  readonly report: ServerReport
  /** Since its start; undefined when nobody wrote that down. */
  readonly ageSeconds: number | undefined
  /** By the hub's `last_activity`; undefined when that is not known, or may be out of date. */
  readonly hubIdleSeconds: number | undefined
}

export type Decision =
  | { readonly cull: 'idle'; readonly idleSeconds: number; readonly limitSeconds: number }
  | { readonly cull: 'age'; readonly ageSeconds: number; readonly limitSeconds: number }
  | { readonly cull?: undefined; readonly keep: 'unclear' | 'busy' | 'active' }

/**
 * An open tab alone keeps nothing: connections are evidence, not activity. What the server says of itself counts more
 * than what the proxy has seen, because the answers of a forgotten tab to pings look like work there.
 */
export function decideServer({ report, ageSeconds, hubIdleSeconds }: ServerFacts, limits: Limits): Decision {
  if (report.kind === 'unclear') return { keep: 'unclear' }
  if (report.kind === 'status' && report.busy > 0) return { keep: 'busy' }
  const idleSeconds = report.kind === 'status' ? report.idleSeconds : hubIdleSeconds
  if (isReached(limits.idleTimeout, idleSeconds)) {
    return { cull: 'idle', idleSeconds, limitSeconds: limits.idleTimeout }
  }
  if (isReached(limits.maxAge, ageSeconds)) {
    // Its kernels may be at work behind the silence.
    if (report.kind === 'silent') return { keep: 'unclear' }
    return { cull: 'age', ageSeconds, limitSeconds: limits.maxAge }
  }
  return { keep: idleSeconds === undefined && limits.idleTimeout > 0 ? 'unclear' : 'active' }
}

/** Can one that runs for so long be due at all? Nothing is idle for longer than it runs. */
export function mayBeDue(ageSeconds: number | undefined, limits: Limits): boolean {
  const shortest = Math.min(...[limits.idleTimeout, limits.maxAge].filter(seconds => seconds > 0))
  return Number.isFinite(shortest) && (ageSeconds === undefined || ageSeconds >= shortest)
}

export interface UserFacts {
  readonly admin: boolean
  /** Those that run, start or stop. */
  readonly activeServers: number
  readonly idleSeconds: number | undefined
  readonly ageSeconds: number | undefined
}

/** Is the user to be deleted? Somebody who never did anything is as idle as they are old. */
export function decideUser(user: UserFacts, limits: Limits, cullAdmins: boolean): 'idle' | 'age' | undefined {
  if (user.activeServers > 0 || (user.admin && !cullAdmins)) return undefined
  if (isReached(limits.idleTimeout, user.idleSeconds ?? user.ageSeconds)) return 'idle'
  return isReached(limits.maxAge, user.ageSeconds) ? 'age' : undefined
}

function isReached(limitSeconds: number, seconds: number | undefined): seconds is number {
  return limitSeconds > 0 && seconds !== undefined && seconds >= limitSeconds
}
