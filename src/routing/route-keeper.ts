/**
 * Keeps every proxy's table equal to the database: at the start, now and then, and the moment a proxy comes back. A
 * start sets its own route and does not wait for that.
 */
import { setTimeout as sleep } from 'node:timers/promises'
import { HubError } from '../core/errors.ts'
import { linkedAbort } from '../core/linked-abort.ts'
import type { Logger } from '../core/runtime.ts'
import type { Database } from '../db/database.ts'
import type { ProxyApi, ProxyRoute } from '../proxy/api-client.ts'
import type { CertificateReport } from '../proxy/tls/certificate-report.ts'
import { type DesiredRoute, desiredRoutes, type RouteSources } from './desired-routes.ts'
import { storeActivity } from './pull-activity.ts'
import { type WatchedProxy, watchedProxy } from './watched-proxy.ts'

export interface RouteKeeper {
  /** Reconciles once (a proxy that is down or slow does not stop it) and keeps watching until `close`. */
  start(): Promise<void>
  /**
   * Adds or changes a route in every proxy. The first that has it is enough: the others are waited for a moment longer, and
   * those that do not answer get it when they are back. Throws HubError `proxy_unreachable` when none answered for a while.
   */
  set(spec: string, target: string, data: Record<string, unknown>, signal?: AbortSignal): Promise<void>
  /** Takes a route out of every proxy. Never throws: a proxy that does not answer is put right when it is back. */
  remove(spec: string): Promise<void>
  reconcile(): Promise<void>
  /** Reads the proxies' last traffic into `last_activity` of servers and users. */
  pullActivity(): Promise<void>
  /** The table of the first proxy that answers, by route spec. Throws HubError `proxy_unreachable` when none does. */
  table(): Promise<ReadonlyMap<string, ProxyRoute>>
  /** Each proxy as operators see it. */
  health(): ProxyHealth[]
  /** What each tells of the certificate that browsers see, by its URL; those that tell nothing are left out. */
  certificates(): Promise<ReadonlyMap<string, CertificateReport>>
  close(): Promise<void>
}

export interface ProxyHealth {
  /** Of its API. */
  readonly url: string
  readonly up: boolean
  /** When it came up or went down as the hub saw it, or the start of the hub. */
  readonly since: Date
}

export interface RouteKeeperOptions {
  readonly database: Database
  readonly proxies: readonly { readonly url: string; readonly api: ProxyApi }[]
  readonly hubUrl: string
  readonly baseUrl?: string
  readonly subdomains?: RouteSources['subdomains']
  readonly hubRoutespec?: string | undefined
  readonly log: Logger
  readonly moreRoutes?: NonNullable<RouteSources['more']>
  readonly reconcileIntervalMs?: number
  /** How often a proxy is asked whether it is there. */
  readonly watchIntervalMs?: number
  readonly lastActivityIntervalMs?: number
  /** How long `set` waits for a proxy to come back. */
  readonly patienceMs?: number
}

const RETRY_MS = 250
/** Of what is merely shown. */
const ASK_TIMEOUT_MS = 2_000
/** How long a proxy is waited for while another one has the route already. */
const OTHERS_MS = 1_000

export function createRouteKeeper(options: RouteKeeperOptions): RouteKeeper {
  const { database, hubUrl, log, patienceMs = 10_000 } = options
  const proxies = options.proxies.map(({ url, api }) => watchedProxy(url, api, log))
  const closed = new AbortController()
  const loops: Promise<void>[] = []
  const sources: RouteSources = {
    database,
    hubUrl,
    baseUrl: options.baseUrl ?? '/',
    subdomains: options.subdomains,
    hubRoutespec: options.hubRoutespec,
    ...(options.moreRoutes && { more: options.moreRoutes }),
  }
  const desired = () => desiredRoutes(sources)

  const reconcileOne = (proxy: WatchedProxy) =>
    proxy.reconcile(desired, closed.signal).catch(error => noteFault(proxy.url, error))

  async function reconcile(): Promise<void> {
    await Promise.all(proxies.map(reconcileOne))
  }

  // `watchedProxy` has told that a proxy is down; a fault of another kind is news.
  function noteFault(proxy: string, error: unknown): void {
    if (closed.signal.aborted || (error as { code?: string }).code === 'proxy_unreachable') return
    log.warn({ proxy, err: error }, 'proxy routes could not be brought up to date')
  }

  async function watch(proxy: WatchedProxy): Promise<void> {
    if (await proxy.hasMissedSomething(closed.signal)) await reconcileOne(proxy)
  }

  async function pullActivity(): Promise<void> {
    const tables = await Promise.all(proxies.map(proxy => proxy.routes(closed.signal).catch(() => new Map())))
    const servers = await storeActivity(database, tables)
    log.debug({ servers }, 'activity read from proxies')
  }

  async function set(spec: string, target: string, data: Record<string, unknown>, signal?: AbortSignal): Promise<void> {
    const linked = linkedAbort(closed.signal, signal)
    try {
      await setInOne(spec, { target, data }, linked.signal)
    } finally {
      linked.unlink()
    }
  }

  /** Returns when one proxy has it, having asked all. */
  async function setInOne(spec: string, route: DesiredRoute, enough: AbortSignal): Promise<void> {
    for (const deadline = Date.now() + patienceMs; ; await sleep(RETRY_MS, undefined, { signal: enough })) {
      const faults = await firstAndSoon(askable().map(proxy => proxy.set(spec, route, enough)))
      if (faults.length === 0) return
      enough.throwIfAborted()
      if (Date.now() > deadline) throw unreachable(faults)
    }
  }

  /** Those that answer; the others would only keep everybody waiting, unless there are no better ones. */
  function askable(): WatchedProxy[] {
    if (!proxies.some(({ isUp }) => isUp)) return proxies
    for (const proxy of proxies) if (!proxy.isUp) proxy.missed()
    return proxies.filter(({ isUp }) => isUp)
  }

  function repeat(task: () => Promise<void>, intervalMs: number, name: string): void {
    loops.push(
      (async () => {
        while (!closed.signal.aborted) {
          await sleep(intervalMs, undefined, { signal: closed.signal }).catch(() => {})
          if (closed.signal.aborted) return
          await task().catch(error => log.error({ err: error, task: name }, 'background task failed'))
        }
      })(),
    )
  }

  return {
    async start() {
      await firstAndSoon(proxies.map(reconcileOne))
      // A loop for each: a slow one must not keep the repair of another waiting.
      for (const proxy of proxies) {
        repeat(() => watch(proxy), options.watchIntervalMs ?? 1_000, 'watch proxy')
        repeat(() => reconcileOne(proxy), options.reconcileIntervalMs ?? 30_000, 'reconcile routes')
      }
      repeat(pullActivity, options.lastActivityIntervalMs ?? 300_000, 'pull activity')
    },
    set,
    async remove(spec) {
      await firstAndSoon(
        askable().map(proxy => proxy.remove(spec, closed.signal).catch(error => noteFault(proxy.url, error))),
      )
    },
    reconcile,
    pullActivity,
    table: () =>
      Promise.any(proxies.map(proxy => proxy.routes(closed.signal))).catch(error =>
        Promise.reject(error.errors?.[0] ?? error),
      ),
    health: () => proxies.map(({ url, isUp, since }) => ({ url, up: isUp, since })),
    async certificates() {
      const told = new Map<string, CertificateReport>()
      const ask = async (proxy: WatchedProxy) => {
        const report = proxy.isUp
          ? await proxy.certificate(AbortSignal.any([closed.signal, AbortSignal.timeout(ASK_TIMEOUT_MS)]))
          : undefined
        if (report) told.set(proxy.url, report)
      }
      await Promise.all(proxies.map(ask))
      return told
    },
    async close() {
      closed.abort()
      await Promise.all(loops)
    },
  }
}

/**
 * Waits until one has succeeded, and for the others a moment longer; they go on. Gives back why all have failed, nothing
 * when one has not.
 */
async function firstAndSoon(calls: readonly Promise<void>[]): Promise<readonly unknown[]> {
  const all = Promise.allSettled(calls)
  const one = await Promise.any(calls).then(
    () => true,
    () => false,
  )
  if (!one) return (await all).map(result => (result as PromiseRejectedResult).reason) // all are
  const settled = new AbortController()
  await Promise.race([all, sleep(OTHERS_MS, undefined, { signal: settled.signal }).catch(() => {})])
  settled.abort()
  return []
}

function unreachable(causes: readonly unknown[]): HubError {
  return new HubError('proxy_unreachable', {
    status: 503,
    message: 'The server runs, but the proxy could not be told of it.',
    nextStep: 'Try again in a minute; if it happens again, tell the administrator that the proxy does not answer.',
    cause: causes[0],
  })
}
