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
import { type DesiredRoute, desiredRoutes, type RouteSources } from './desired-routes.ts'
import { storeActivity } from './pull-activity.ts'
import { watchedProxy } from './watched-proxy.ts'

export interface RouteKeeper {
  /** Reconciles once (a proxy that is down does not stop it) and keeps watching until `close`. */
  start(): Promise<void>
  /**
   * Adds or changes a route in every proxy. Proxies that do not answer get it when they are back; throws HubError
   * `proxy_unreachable` when none answered for a while.
   */
  set(spec: string, target: string, data: Record<string, unknown>, signal?: AbortSignal): Promise<void>
  /** Takes a route out of every proxy. Never throws: a proxy that does not answer is put right when it is back. */
  remove(spec: string): Promise<void>
  reconcile(): Promise<void>
  /** Reads the proxies' last traffic into `last_activity` of servers and users. */
  pullActivity(): Promise<void>
  /** The table of the first proxy that answers, by route spec. Throws HubError `proxy_unreachable` when none does. */
  table(): Promise<ReadonlyMap<string, ProxyRoute>>
  /** Route keeping as operators see it. */
  health(): { url: string; up: boolean }[]
  close(): Promise<void>
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

  async function reconcile(): Promise<void> {
    await Promise.all(
      proxies.map(proxy => proxy.reconcile(desired, closed.signal).catch(error => noteFault(proxy.url, error))),
    )
  }

  // `watchedProxy` has told that a proxy is down; a fault of another kind is news.
  function noteFault(proxy: string, error: unknown): void {
    if (closed.signal.aborted || (error as { code?: string }).code === 'proxy_unreachable') return
    log.warn({ proxy, err: error }, 'proxy routes could not be brought up to date')
  }

  async function watch(): Promise<void> {
    await Promise.all(
      proxies.map(async proxy => {
        if (!(await proxy.hasMissedSomething(closed.signal))) return
        await proxy.reconcile(desired, closed.signal).catch(error => noteFault(proxy.url, error))
      }),
    )
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
      const results = await Promise.allSettled(proxies.map(proxy => proxy.set(spec, route, enough)))
      if (results.length === 0 || results.some(result => result.status === 'fulfilled')) return
      enough.throwIfAborted()
      if (Date.now() > deadline) throw unreachable(results.map(result => (result as PromiseRejectedResult).reason)) // none was fulfilled
    }
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
      await reconcile()
      repeat(watch, options.watchIntervalMs ?? 1_000, 'watch proxies')
      repeat(reconcile, options.reconcileIntervalMs ?? 30_000, 'reconcile routes')
      repeat(pullActivity, options.lastActivityIntervalMs ?? 300_000, 'pull activity')
    },
    set,
    async remove(spec) {
      await Promise.all(
        proxies.map(proxy => proxy.remove(spec, closed.signal).catch(error => noteFault(proxy.url, error))),
      )
    },
    reconcile,
    pullActivity,
    table: () =>
      Promise.any(proxies.map(proxy => proxy.routes(closed.signal))).catch(error =>
        Promise.reject(error.errors?.[0] ?? error),
      ),
    health: () => proxies.map(({ url, isUp }) => ({ url, up: isUp })),
    async close() {
      closed.abort()
      await Promise.all(loops)
    },
  }
}

function unreachable(causes: readonly unknown[]): HubError {
  return new HubError('proxy_unreachable', {
    status: 503,
    message: 'The server runs, but the proxy could not be told of it.',
    nextStep: 'Try again in a minute; if it happens again, tell the administrator that the proxy does not answer.',
    cause: causes[0],
  })
}
