/** Which route a request belongs to and what its path is at the upstream. */
import { joinPaths, parseRequestPath, stripPrefix } from './request-path.ts'
import type { Route, RouteTable } from './route-table.ts'

export interface PathSettings {
  readonly hostRouting: boolean
  readonly prependPath: boolean
  readonly includePrefix: boolean
}

export interface FoundRoute {
  readonly kind: 'found'
  readonly route: Route
  /** With query, as the upstream gets it. */
  readonly path: string
  /** Host of an absolute-form target; it replaces `Host` (RFC 9112 3.2.2). */
  readonly authority: string | undefined
}

export type RouteMatch = FoundRoute | { kind: 'none' } | { kind: 'malformed' }

/** The last match of a connection, whose next request is often for the same; and the fields made for it. */
export interface RouteMemo {
  target: string
  host: string | undefined
  version: number
  match: RouteMatch | undefined
  forwardedFor: { host: string | undefined; upgrade: boolean } | undefined
  forwardedLines: string
}

export function newRouteMemo(): RouteMemo {
  return {
    target: '',
    host: undefined,
    version: -1,
    match: undefined,
    forwardedFor: undefined,
    forwardedLines: '',
  }
}

/** @param target of the request line */
export function matchRoute(
  target: string,
  host: string | undefined,
  routes: RouteTable,
  settings: PathSettings,
): RouteMatch {
  const request = parseRequestPath(target)
  if (!request) return { kind: 'malformed' }
  const hostSegment = settings.hostRouting ? `/${hostName(request.authority ?? host ?? '')}` : ''
  const route = routes.find(hostSegment + request.decoded)
  if (!route) return { kind: 'none' }

  const prefix = settings.hostRouting ? route.path.replace(/^\/[^/]*/, '') || '/' : route.path
  const kept = settings.includePrefix ? request.path : stripPrefix(request.path, prefix)
  const before = settings.prependPath ? route.upstream : ROOT
  const path = joinPaths(before, { path: kept, search: request.search })
  return { kind: 'found', route, path, authority: request.authority }
}

/** The same, and again from `memo` as long as nothing has changed. */
export function matchAgain(
  memo: RouteMemo,
  target: string,
  host: string | undefined,
  routes: RouteTable,
  settings: PathSettings,
): RouteMatch {
  const { version } = routes
  if (memo.match !== undefined && memo.version === version && memo.target === target && memo.host === host) {
    return memo.match
  }
  const match = matchRoute(target, host, routes, settings)
  memo.target = target
  memo.host = host
  memo.version = version
  memo.match = match
  return match
}

const ROOT = { path: '/', search: '' }

/** The host without its port; an IPv6 address keeps its brackets. */
function hostName(host: string): string {
  return host.replace(/:\d*$/, '')
}
