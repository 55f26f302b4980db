import { Counter, collectDefaultMetrics, Gauge, Histogram, Registry } from 'prom-client'

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
  readonly proxyUp: Gauge<'proxy'> & { collect?: () => void }
  readonly proxyCertificateEnd: Gauge<'proxy'> & { collect?: () => Promise<void> }
  readonly checkRoutesDuration: Histogram
  readonly hubStartupDuration: Histogram
  readonly initSpawnersDuration: Histogram
  readonly cspReports: Counter
  /** Wrong API tokens and share codes, also those refused unseen. */
  readonly wrongGuesses: Counter<'what'>
  readonly eventLoopInterval: Histogram
  /** Orrery's own: why servers ended, by the code of the reason. */
  readonly serverEnds: Counter<'reason'>
  /** Orrery's own: of all running servers together, as far as their spawner tells. */
  readonly serversMemory: Gauge & { collect?: () => void }
  readonly serversCpu: Gauge & { collect?: () => void }
  readonly serversNearLimit: Gauge & { collect?: () => void }
  /** Orrery's own: why sign-ins were refused. */
  readonly loginRefusals: Counter<'reason'>
}

/** Values that are counted when somebody looks. */
export interface HubCounts {
  runningServers(): Promise<number>
  totalUsers(): Promise<number>
  /** Users seen since that moment. */
  activeUsersSince(moment: Date): Promise<number>
}

export interface MetricsOptions {
  /** For JupyterHub's `JUPYTERHUB_METRICS_PREFIX` and the two variables with buckets. */
  env?: NodeJS.ProcessEnv
  counts?: HubCounts
  now?: () => Date
  /** How old the numbers of active users may be; they are a walk over all users. Default 0. */
  activeUsersMaxAgeMs?: number
}

export function createHubMetrics(options: MetricsOptions = {}): HubMetrics {
  const registry = new Registry()
  const { env = {} } = options
  const prefix = env.JUPYTERHUB_METRICS_PREFIX ?? 'jupyterhub'
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
      bucketsOf(env.JUPYTERHUB_SERVER_SPAWN_DURATION_SECONDS_BUCKETS) ?? SPAWN_BUCKETS,
    ),
    stopDuration: histogram(
      'server_stop_seconds',
      'Time taken to stop servers',
      ['status'],
      bucketsOf(env.JUPYTERHUB_SERVER_STOP_DURATION_SECONDS_BUCKETS),
    ),
    pollDuration: histogram('server_poll_duration_seconds', 'Time taken to look whether a server runs', ['status']),
    loginDuration: histogram('login_duration_seconds', 'Time taken to check who signs in', ['status']),
    logoutDuration: histogram('logout_duration_seconds', 'Time taken to sign out'),
    proxyAddDuration: histogram('proxy_add_duration_seconds', 'Time taken to add a route', ['status']),
    proxyDeleteDuration: histogram('proxy_delete_duration_seconds', 'Time taken to remove a route', ['status']),
    proxyPollDuration: histogram('proxy_poll_duration_seconds', 'Time taken to read all routes of the proxy'),
    proxyUp: new Gauge({
      name: 'orrery_proxy_up',
      help: 'Whether a proxy answers the hub: 1 or 0',
      labelNames: ['proxy'],
      registers: [registry],
      collect() {}, // set by whoever knows
    }),
    proxyCertificateEnd: new Gauge({
      name: 'orrery_proxy_certificate_expiry_timestamp_seconds',
      help: 'When the certificate that browsers see ends, in seconds since the epoch, as the proxy tells it',
      labelNames: ['proxy'],
      registers: [registry],
      async collect() {}, // set by whoever knows
    }),
    checkRoutesDuration: histogram('check_routes_duration_seconds', 'Time taken to check all routes'),
    hubStartupDuration: histogram('hub_startup_duration_seconds', 'Time taken by the start of the hub'),
    initSpawnersDuration: histogram('init_spawners_duration_seconds', 'Time taken to find running servers at start'),
    wrongGuesses: new Counter({
      name: 'orrery_wrong_guesses_total',
      help: 'Wrong API tokens and share codes',
      labelNames: ['what'],
      registers: [registry],
    }),
    cspReports: new Counter({
      name: `${prefix}_csp_reports_total`,
      help: 'Reports of broken content security policy',
      registers: [registry],
    }),
    eventLoopInterval: histogram('event_loop_interval_seconds', 'Time that the hub lets things wait', [], LOOP_BUCKETS),
    serverEnds: new Counter({
      name: 'orrery_server_ends_total',
      help: 'Servers that ended, by the code of the reason',
      labelNames: ['reason'],
      registers: [registry],
    }),
    serversMemory: new Gauge({
      name: 'orrery_servers_memory_bytes',
      help: 'Memory that the servers of users use together',
      registers: [registry],
      collect() {}, // set by whoever knows
    }),
    serversCpu: new Gauge({
      name: 'orrery_servers_cpu_cores',
      help: 'Processors that the servers of users keep busy together',
      registers: [registry],
      collect() {}, // set by whoever knows
    }),
    serversNearLimit: new Gauge({
      name: 'orrery_servers_near_memory_limit',
      help: 'Servers of users that use more than nine tenths of the memory they may use',
      registers: [registry],
      collect() {}, // set by whoever knows
    }),
    loginRefusals: new Counter({
      name: 'orrery_login_refusals_total',
      help: 'Sign-ins that were refused, by the code of the reason',
      labelNames: ['reason'],
      registers: [registry],
    }),
  }
  nameEveryStatus(metrics)
  // process_cpu_seconds_total, process_resident_memory_bytes and the like, which prometheus_client gives JupyterHub too.
  // Precision in ms: the event loop has a histogram of its own, and each look wakes the process.
  collectDefaultMetrics({ register: registry, eventLoopMonitoringPrecision: 200 })
  if (options.counts) addGauges(registry, prefix, options.counts, options)
  return metrics
}

/** prometheus_client's, which JupyterHub leaves as they are. */
const DEFAULT_BUCKETS = [0.005, 0.01, 0.025, 0.05, 0.075, 0.1, 0.25, 0.5, 0.75, 1, 2.5, 5, 7.5, 10]
const SPAWN_BUCKETS = [0.5, 1, 2.5, 5, 10, 15, 30, 60, 120, 180, 300, 600]
/** 5 ms apart up to 75 ms, where waits begin to be felt. */
const LOOP_BUCKETS = [0.05, 0.055, 0.06, 0.065, 0.07, 0.075, 0.1, 0.25, 0.5, 0.75, 1, 2.5, 5, 7.5, 10]
const DAY_MS = 24 * 60 * 60 * 1000
const PERIODS = { '24h': DAY_MS, '7d': 7 * DAY_MS, '30d': 30 * DAY_MS }

function nameEveryStatus(metrics: HubMetrics): void {
  for (const status of ['success', 'failure', 'error']) metrics.spawnDuration.zero({ status, reason: '' })
  for (const reason of ['throttled', 'too-many-users', 'already-pending']) {
    metrics.spawnDuration.zero({ status: 'failure', reason })
  }
  for (const what of ['token', 'share_code']) metrics.wrongGuesses.inc({ what }, 0)
  for (const status of ['running', 'stopped']) metrics.pollDuration.zero({ status })
  for (const status of ['success', 'failure']) {
    for (const each of [metrics.stopDuration, metrics.proxyAddDuration, metrics.proxyDeleteDuration])
      each.zero({ status })
  }
}

/** `0.5,1,inf`: what Prometheus adds itself is left out. Undefined for nothing usable. */
function bucketsOf(text: string | undefined): number[] | undefined {
  const numbers = (text ?? '').split(',').flatMap(part => (part.trim() === '' ? [] : [Number(part)]))
  const finite = numbers.filter(number => Number.isFinite(number))
  return finite.length === 0 ? undefined : finite.sort((one, other) => one - other)
}

function addGauges(
  registry: Registry,
  prefix: string,
  counts: HubCounts,
  { now = () => new Date(), activeUsersMaxAgeMs = 0 }: MetricsOptions,
): void {
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
  let countedAt = Number.NEGATIVE_INFINITY
  new Gauge({
    name: `${prefix}_active_users`,
    help: 'Users who were active in the given time',
    labelNames: ['period'],
    registers: [registry],
    async collect() {
      const moment = now().getTime()
      if (moment - countedAt < activeUsersMaxAgeMs) return
      countedAt = moment
      for (const [period, ms] of Object.entries(PERIODS)) {
        this.set({ period }, await counts.activeUsersSince(new Date(moment - ms)))
      }
    },
  })
}
