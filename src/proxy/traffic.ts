/**
 * Requests and bytes of content, by kind of route and, where that is wanted, of single routes. What people have is no
 * measure of how many series there are: kinds are four, and at most `maxRoutes` routes have figures of their own.
 */
import type { Route } from './route-table.ts'

/** Counted where the bytes pass, by plain additions. */
export interface Traffic {
  requests: number
  /** Bytes of content from clients, and to them. */
  received: number
  sent: number
}

export type RouteKind = 'hub' | 'user' | 'service' | 'other'

export interface TrafficLedger {
  /** Where the traffic of a route is counted; the same object as long as the route is the same. */
  of(route: Route): Traffic
  /** A deleted route makes room for another; its figures stay in those of its kind. */
  forget(path: string): void
  byKind(): Map<RouteKind, Traffic>
  /** The routes that came first, as long as they exist. */
  byRoute(): Map<string, Traffic>
}

export function createTrafficLedger({ maxRoutes }: { maxRoutes: number }): TrafficLedger {
  const kinds = new Map<RouteKind, Traffic>(KINDS.map(kind => [kind, noTraffic()]))
  const single = new Map<string, { kind: RouteKind; traffic: Traffic }>()
  const known = new WeakMap<Route, Traffic>()

  return {
    of(route) {
      let traffic = known.get(route)
      if (traffic) return traffic
      const kind = kindOf(route)
      traffic = single.get(route.path)?.traffic
      if (!traffic && single.size < maxRoutes) {
        traffic = noTraffic()
        single.set(route.path, { kind, traffic })
      }
      traffic ??= kinds.get(kind)!
      known.set(route, traffic)
      return traffic
    },
    forget(path) {
      const gone = single.get(path)
      if (!gone) return
      single.delete(path)
      add(kinds.get(gone.kind)!, gone.traffic)
    },
    byKind() {
      const sums = new Map([...kinds].map(([kind, traffic]) => [kind, { ...traffic }]))
      for (const { kind, traffic } of single.values()) add(sums.get(kind)!, traffic)
      return sums
    },
    byRoute: () => new Map([...single].map(([path, { traffic }]) => [path, traffic])),
  }
}

export const noTraffic = (): Traffic => ({ requests: 0, received: 0, sent: 0 })

const KINDS = ['hub', 'user', 'service', 'other'] as const

/** By what JupyterHub and this hub post beside the target. */
function kindOf({ data }: Route): RouteKind {
  if (data.hub === true) return 'hub'
  if (typeof data.user === 'string') return 'user'
  return typeof data.service === 'string' ? 'service' : 'other'
}

function add(sum: Traffic, traffic: Traffic): void {
  sum.requests += traffic.requests
  sum.received += traffic.received
  sum.sent += traffic.sent
}
