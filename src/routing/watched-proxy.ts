/**
 * One proxy as the hub sees it: changes to a route happen one after the other, and whether it answers is known and
 * logged once a change, not once a failure.
 */
import type { Logger } from '../core/runtime.ts'
import type { ProxyApi, ProxyInstance, ProxyRoute } from '../proxy/api-client.ts'
import type { CertificateReport } from '../proxy/tls/certificate-report.ts'
import type { DesiredRoute, DesiredRoutes } from './desired-routes.ts'

export interface WatchedProxy {
  readonly url: string
  /** False from the first call that failed until the first that succeeded. */
  readonly isUp: boolean
  /** When that changed last; the start of the hub at first. */
  readonly since: Date
  /** A change was not sent to it: it will be made good when it answers. */
  missed(): void
  set(spec: string, route: DesiredRoute, signal?: AbortSignal): Promise<void>
  remove(spec: string, signal?: AbortSignal): Promise<void>
  /** Makes the table what `desired` says; the table is read first, so that `desired` is the newer of the two. */
  reconcile(desired: () => Promise<DesiredRoutes>, signal?: AbortSignal): Promise<void>
  routes(signal?: AbortSignal): Promise<ReadonlyMap<string, ProxyRoute>>
  /** What it tells of its certificate; undefined also when it does not answer. Never throws. */
  certificate(signal?: AbortSignal): Promise<CertificateReport | undefined>
  /** Asks whether it is there; true when it is, and a change did not reach it before or it was started again. Never throws. */
  hasMissedSomething(signal?: AbortSignal): Promise<boolean>
}

/** Changes sent to a proxy at the same time, as many as JupyterHub sends. */
const CONCURRENCY = 10

export function watchedProxy(url: string, api: ProxyApi, log: Logger): WatchedProxy {
  let isUp = true
  let since = new Date()
  let hasMissed = false
  let instance: ProxyInstance
  const lanes: Promise<unknown>[] = Array.from({ length: CONCURRENCY }, () => Promise.resolve())

  /** Changes of one route come one after the other, those of different ones side by side. */
  function inLane<T>(spec: string, change: () => Promise<T>): Promise<T> {
    const lane = laneOf(spec)
    const turn = lanes[lane]!.then(() => noting(change))
    lanes[lane] = turn.catch(() => {})
    return turn
  }

  /** After all changes before it and before all after it, so that a reconcile never undoes what a start has just set. */
  function alone<T>(change: () => Promise<T>): Promise<T> {
    const turn = Promise.all(lanes).then(() => noting(change))
    lanes.fill(turn.catch(() => {}))
    return turn
  }

  async function noting<T>(call: () => Promise<T>): Promise<T> {
    try {
      const result = await call()
      if (!isUp) {
        log.info({ proxy: url, downMs: Date.now() - since.getTime() }, 'proxy is back')
        since = new Date()
      }
      isUp = true
      return result
    } catch (error) {
      hasMissed = true
      if (isUp && isProxyFault(error)) {
        isUp = false
        since = new Date()
        log.error({ proxy: url, err: error }, 'proxy is down')
      }
      throw error
    }
  }

  return {
    url,
    get isUp() {
      return isUp
    },
    get since() {
      return since
    },
    missed() {
      hasMissed = true
    },
    set: (spec, route, signal) => inLane(spec, () => api.addRoute(spec, route.target, route.data, signal)),
    remove: (spec, signal) => inLane(spec, () => api.deleteRoute(spec, signal)),
    routes: signal => noting(() => api.getRoutes(signal)),
    reconcile: (desired, signal) =>
      alone(async () => {
        // Cleared first: what fails from here on is missed anew.
        hasMissed = false
        const present = await api.getRoutes(signal)
        const changes = routeChanges(present, await desired())
        if (changes.length > 0) log.info({ proxy: url, changes: changes.length }, 'proxy routes brought up to date')
        await inBatches(changes, CONCURRENCY, change => {
          log.debug({ proxy: url, ...change }, 'proxy route changed')
          return change.route
            ? api.addRoute(change.spec, change.route.target, change.route.data, signal)
            : api.deleteRoute(change.spec, signal)
        })
      }),
    certificate: signal => api.certificate(signal).catch(() => undefined),
    async hasMissedSomething(signal) {
      try {
        const now = await noting(() => api.ping(signal))
        // Started again between two questions: what it was told in its last moments may not be in its snapshot.
        if (now !== instance) hasMissed = true
        instance = now
        return hasMissed
      } catch {
        return false // `noting` has told that it is down
      }
    },
  }
}

function laneOf(spec: string): number {
  let sum = 0
  for (let at = 0; at < spec.length; at++) sum = (sum * 31 + spec.charCodeAt(at)) % 65_521
  return sum % CONCURRENCY
}

export interface RouteChange {
  readonly spec: string
  /** Absent: the route is to go. */
  readonly route?: DesiredRoute
}

/** What turns the table that is into the one that shall be. Additions come first: nobody waits for what is stale. */
export function routeChanges(present: ReadonlyMap<string, ProxyRoute>, desired: DesiredRoutes): RouteChange[] {
  const added = [...desired.routes]
    .filter(([spec, route]) => !isSame(present.get(spec), route))
    .map(([spec, route]) => ({ spec, route }))
  const stale = [...present.keys()]
    .filter(spec => !desired.routes.has(spec) && !desired.undecided.has(spec))
    .map(spec => ({ spec }))
  return [...added, ...stale]
}

function isSame(present: ProxyRoute | undefined, desired: DesiredRoute): boolean {
  return (
    present !== undefined &&
    present.target.replace(/\/$/, '') === desired.target.replace(/\/$/, '') &&
    Object.entries(desired.data).every(([name, value]) => present.data[name] === value)
  )
}

function isProxyFault(error: unknown): boolean {
  const code = (error as { code?: string }).code
  return code === 'proxy_unreachable' || code === 'proxy_refused'
}

async function inBatches<T>(items: readonly T[], size: number, task: (item: T) => Promise<void>): Promise<void> {
  for (let from = 0; from < items.length; from += size) await Promise.all(items.slice(from, from + size).map(task))
}
