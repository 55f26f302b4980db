/** What the forwarding of every request works with. */
import type { Logger } from '../core/runtime.ts'
import type { ErrorPages } from './error-pages.ts'
import type { UpstreamPool } from './http1/upstream-pool.ts'
import type { RewriteSettings } from './location-rewrite.ts'
import type { PathSettings } from './match-route.ts'
import type { ProxyMetrics } from './proxy-metrics.ts'
import type { HeaderSettings, PreparedFields } from './request-fields.ts'
import type { Route, RouteTable } from './route-table.ts'
import type { Sweeper } from './sweeper.ts'

export interface ForwardSettings extends PathSettings, HeaderSettings, RewriteSettings {
  /** Milliseconds without a byte on the client's socket after which a request is dropped; 0 is never. */
  readonly timeoutMs: number
  /** Milliseconds until the upstream must have begun its response; 0 is never. */
  readonly proxyTimeoutMs: number
  /** Milliseconds without a byte after which a half-closed upgraded connection is given up. */
  readonly halfClosedIdleMs: number
  /** Milliseconds an idle client connection is kept. */
  readonly keepAliveTimeoutMs: number
  /** Milliseconds within which the head of a request must come (slow loris). */
  readonly headTimeoutMs: number
  /** `Strict-Transport-Security` with its CR LF, for responses over TLS; empty for none. */
  readonly hstsLine: string
}

export interface ForwardContext {
  readonly routes: RouteTable
  readonly settings: ForwardSettings
  readonly fields: PreparedFields
  readonly pool: UpstreamPool
  readonly sweeper: Sweeper
  readonly errors: ErrorPages
  readonly metrics: ProxyMetrics
  readonly log: Logger
  /** Upgraded connections, so that a closing proxy can end them. */
  readonly tunnels: Set<{ destroy(): unknown }>
}

export function touchRoute(context: ForwardContext, route: Route): void {
  const end = context.metrics.timeActivity()
  context.routes.touch(route.path, Date.now())
  end()
}

/** Path without its query, which may hold tokens. */
export function loggedPath(url: string | undefined): string {
  return (url ?? '').split('?', 1)[0]!
}
