import { Counter, Gauge, Histogram, Registry } from 'prom-client'

/**
 * The hub's metrics under JupyterHub 6's names, labels and buckets, so that its dashboards and alerts go on working.
 * Every status exists from the start, also before it first happens: an alert on what is missing never fires.
 */
export interface HubMetrics {
  readonly registry: Registry
  readonly requestDuration: Histogram<'method' | 'handler' | 'code'>
  readonly spawnDuration: Histogram<'status' | 'reason'>
  readonly stopDuration: Histogram<'status'>
  readonly pollDuration: Histogram<'status'>
  readonly loginDuration: Histogram<'status'>
  readonly logoutDuration: Histogram
  readonly proxyAddDuration: Histogram<'status'>
  readonly proxyDeleteDuration: Histogram<'status'>
  readonly proxyPollDuration: Histogram
  readonly checkRoutesDuration: Histogram
  readonly hubStartupDuration: Histogram
  readonly initSpawnersDuration: Histogram
  readonly cspReports: Counter
}

/** Values that are counted when somebody looks. */
export interface HubCounts {
  runningServers(): Promise<number>
  totalUsers(): Promise<number>
  /** Users seen since that moment. */
  activeUsersSince(moment: Date): Promise<number>
}

export interface MetricsOptions {
  /** JupyterHub's `JUPYTERHUB_METRICS_PREFIX`. */
  prefix?: string
  counts?: HubCounts
  now?: () => Date
}

export function createHubMetrics(options: MetricsOptions = {}): HubMetrics {
  const registry = new Registry()
  const prefix = options.prefix ?? 'jupyterhub'
  const histogram = <Label extends string = never>(
    name: string,
    help: string,
    labelNames: Label[] = [],
    buckets: number[] = DEFAULT_BUCKETS,
  ) => new Histogram<Label>({ name: `${prefix}_${name}`, help, labelNames, buckets, registers: [registry] })

  const metrics: HubMetrics = {
    registry,
    requestDuration: histogram('request_duration_seconds', 'Time taken to answer requests', [
      'method',
      'handler',
      'code',
    ]),
    spawnDuration: histogram(
      'server_spawn_duration_seconds',
      'Time taken to start servers',
      ['status', 'reason'],
      SPAWN_BUCKETS,
    ),
    stopDuration: histogram('server_stop_seconds', 'Time taken to stop servers', ['status']),
    pollDuration: histogram('server_poll_duration_seconds', 'Time taken to look whether a server runs', ['status']),
    loginDuration: histogram('login_duration_seconds', 'Time taken to check who signs in', ['status']),
    logoutDuration: histogram('logout_duration_seconds', 'Time taken to sign out'),
    proxyAddDuration: histogram('proxy_add_duration_seconds', 'Time taken to add a route', ['status']),
    proxyDeleteDuration: histogram('proxy_delete_duration_seconds', 'Time taken to remove a route', ['status']),
    proxyPollDuration: histogram('proxy_poll_duration_seconds', 'Time taken to read all routes of the proxy'),
    checkRoutesDuration: histogram('check_routes_duration_seconds', 'Time taken to check all routes'),
    hubStartupDuration: histogram('hub_startup_duration_seconds', 'Time taken by the start of the hub'),
    initSpawnersDuration: histogram('init_spawners_duration_seconds', 'Time taken to find running servers at start'),
    cspReports: new Counter({
      name: `${prefix}_csp_reports_total`,
      help: 'Reports of broken content security policy',
      registers: [registry],
    }),
  }
  nameEveryStatus(metrics)
  if (options.counts) addGauges(registry, prefix, options.counts, options.now ?? (() => new Date()))
  return metrics
}

/** prometheus_client's, which JupyterHub leaves as they are. */
const DEFAULT_BUCKETS = [0.005, 0.01, 0.025, 0.05, 0.075, 0.1, 0.25, 0.5, 0.75, 1, 2.5, 5, 7.5, 10]
const SPAWN_BUCKETS = [0.5, 1, 2.5, 5, 10, 15, 30, 60, 120, 180, 300, 600]
const DAY_MS = 24 * 60 * 60 * 1000
const PERIODS = { '24h': DAY_MS, '7d': 7 * DAY_MS, '30d': 30 * DAY_MS }

function nameEveryStatus(metrics: HubMetrics): void {
  for (const status of ['success', 'failure', 'error']) metrics.spawnDuration.zero({ status, reason: '' })
  for (const reason of ['throttled', 'too-many-users', 'already-pending']) {
    metrics.spawnDuration.zero({ status: 'failure', reason })
  }
  for (const status of ['running', 'stopped']) metrics.pollDuration.zero({ status })
  for (const status of ['success', 'failure']) {
    for (const each of [metrics.stopDuration, metrics.proxyAddDuration, metrics.proxyDeleteDuration])
      each.zero({ status })
  }
}

function addGauges(registry: Registry, prefix: string, counts: HubCounts, now: () => Date): void {
  const gauge = (name: string, help: string, count: () => Promise<number>) =>
    new Gauge({
      name: `${prefix}_${name}`,
      help,
      registers: [registry],
      async collect() {
        this.set(await count())
      },
    })
  gauge('running_servers', 'Servers of users that run now', counts.runningServers)
  gauge('total_users', 'Users', counts.totalUsers)
  new Gauge({
    name: `${prefix}_active_users`,
    help: 'Users who were active in the given time',
    labelNames: ['period'],
    registers: [registry],
    async collect() {
      for (const [period, ms] of Object.entries(PERIODS)) {
        this.set({ period }, await counts.activeUsersSince(new Date(now().getTime() - ms)))
      }
    },
  })
}
