/** Which route a request belongs to and what its path is at the upstream. */
import type { IncomingMessage } from 'node:http'
import { joinPaths, parseRequestPath, stripPrefix } from './request-path.ts'
import type { Route, RouteTable } from './route-table.ts'

export interface PathSettings {
  readonly hostRouting: boolean
  readonly prependPath: boolean
  readonly includePrefix: boolean
}

export type RouteMatch =
  | { kind: 'found'; route: Route; path: string; authority: string | undefined }
  | { kind: 'none' }
  | { kind: 'malformed' }

export function matchRoute(req: IncomingMessage, routes: RouteTable, settings: PathSettings): RouteMatch {
  const request = parseRequestPath(req.url ?? '/')
  if (!request) return { kind: 'malformed' }
  const hostSegment = settings.hostRouting ? `/${hostName(request.authority ?? req.headers.host ?? '')}` : ''
  const route = routes.find(hostSegment + request.decoded)
  if (!route) return { kind: 'none' }

  const prefix = settings.hostRouting ? route.path.replace(/^\/[^/]*/, '') || '/' : route.path
  const kept = settings.includePrefix ? request.path : stripPrefix(request.path, prefix)
  const before = settings.prependPath ? route.upstream : ROOT
  const path = joinPaths(before, { path: kept, search: request.search })
  return { kind: 'found', route, path, authority: request.authority }
}

const ROOT = { path: '/', search: '' }

/** The host without its port; an IPv6 address keeps its brackets. */
function hostName(host: string): string {
  return host.replace(/:\d*$/, '')
}
