/** What both kinds of forwarding (requests, upgrades) work with. */
import type { Logger } from '../core/runtime.ts'
import type { ErrorResponder } from './error-response.ts'
import type { HeaderSettings } from './header-fields.ts'
import type { RewriteSettings } from './location-rewrite.ts'
import type { PathSettings } from './match-route.ts'
import type { ProxyMetrics } from './proxy-metrics.ts'
import type { Route, RouteTable } from './route-table.ts'
import type { UpstreamConnections } from './upstream-connections.ts'

export interface ForwardSettings extends PathSettings, HeaderSettings, RewriteSettings {
  /** Milliseconds without a byte on the client's socket after which a request is dropped; 0 is never. */
  readonly timeoutMs: number
  /** Milliseconds until the upstream must have begun its response; 0 is never. */
  readonly proxyTimeoutMs: number
  /** Milliseconds without a byte after which a half-closed upgraded connection is given up. */
  readonly halfClosedIdleMs: number
}

export interface ForwardContext {
  readonly routes: RouteTable
  readonly settings: ForwardSettings
  readonly upstreams: UpstreamConnections
  readonly errors: ErrorResponder
  readonly metrics: ProxyMetrics
  readonly log: Logger
  /** Client sockets of upgraded connections, so that a closing proxy can end them. */
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
