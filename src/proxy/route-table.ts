/**
 * The proxy's memory: every route with its target, what the hub wrote beside it, and when it was last used.
 * Reading is a walk down a trie; writing tells the listeners (the snapshot, other workers) what changed.
 */
import { canonicalPath, RouteTrie } from './route-trie.ts'
import { parseUpstreamTarget, type UpstreamTarget } from './upstream-target.ts'

export interface Route {
  readonly path: string
  readonly upstream: UpstreamTarget
  /** All members of the POST that made the route, `target` among them. */
  readonly data: Readonly<Record<string, unknown>>
  /** Unix time in milliseconds; changed through `RouteTable.touch`. */
  lastActivityMs: number
}

/** A route as the REST API and the snapshot show it. */
export type RouteRecord = Record<string, unknown> & { target: string; last_activity: string }

export type RouteChange = { kind: 'set'; route: Route } | { kind: 'delete'; path: string }

export interface RouteTable {
  readonly size: number
  /** Another one after each change. */
  readonly version: number
  /** Adds or replaces. Throws `RangeError` when the target is not one the proxy can reach. */
  set(path: string, data: Record<string, unknown> & { target: string }, lastActivityMs: number): Route
  get(path: string): Route | undefined
  /** False when there was no such route. */
  delete(path: string): boolean
  /** The route that owns a decoded path. */
  find(path: string): Route | undefined
  /** Records traffic of a route; one that was replaced meanwhile passes it to its successor. `path` is `Route.path`. */
  touch(path: string, nowMs: number): void
  all(): Iterable<Route>
  /** Returns what takes the listener off again. */
  onChange(listener: (change: RouteChange) => void): () => void
}

export function createRouteTable(options: { hostRouting: boolean }): RouteTable {
  const routes = new Map<string, Route>()
  const trie = new RouteTrie<Route>()
  const listeners = new Set<(change: RouteChange) => void>()
  let version = 0
  const tell = (change: RouteChange) => {
    version++
    for (const listener of listeners) listener(change)
  }

  return {
    get size() {
      return routes.size
    },
    get version() {
      return version
    },
    set(path, data, lastActivityMs) {
      const upstream = parseUpstreamTarget(data.target)
      if (!upstream) throw new RangeError(`not a target the proxy can reach: ${data.target}`)
      const key = canonicalPath(path)
      const host = options.hostRouting && key !== '/' ? { host: key.split('/')[1] } : {}
      const route: Route = { path: key, upstream, data: { ...data, ...host }, lastActivityMs }
      routes.set(key, route)
      trie.set(key, route)
      tell({ kind: 'set', route })
      return route
    },
    get: path => routes.get(canonicalPath(path)),
    delete(path) {
      const key = canonicalPath(path)
      if (!routes.delete(key)) return false
      trie.delete(key)
      tell({ kind: 'delete', path: key })
      return true
    },
    find: path => trie.find(path)?.value,
    touch(path, nowMs) {
      const route = routes.get(path)
      if (route) route.lastActivityMs = nowMs
    },
    all: () => routes.values(),
    onChange(listener) {
      listeners.add(listener)
      return () => listeners.delete(listener)
    },
  }
}

export function toRouteRecord(route: Route): RouteRecord {
  return {
    ...route.data,
    target: route.upstream.href,
    last_activity: new Date(route.lastActivityMs).toISOString(),
  }
}
