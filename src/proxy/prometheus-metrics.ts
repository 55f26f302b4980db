/** The metrics of `--metrics-port`, named as configurable-http-proxy names them, so that its dashboards go on. */
import { AggregatorRegistry, Counter, collectDefaultMetrics, Gauge, Registry, Summary } from 'prom-client'
import type { CollectedMetrics, ExposedMetrics } from './proxy-metrics.ts'
import { createTrafficLedger, type Traffic } from './traffic.ts'

/** @param options.maxRoutes how many routes have figures of their own */
export function createProxyMetrics({
  maxRoutes = 0,
  certificateEnd,
}: {
  maxRoutes?: number | undefined
  /** Milliseconds since the epoch; undefined where there is no certificate. */
  certificateEnd?: (() => Promise<number | undefined>) | undefined
} = {}): ExposedMetrics {
  const register = new Registry()
  collectDefaultMetrics({ register })
  const registers = [register]
  const counter = (name: string, help: string) => new Counter({ name, help, registers })
  const byStatus = (name: string, help: string) => new Counter({ name, help, registers, labelNames: ['status'] })

  if (certificateEnd) {
    new Gauge({
      name: 'tls_certificate_expiry_timestamp_seconds',
      help: 'When the certificate that browsers see ends, in seconds since the epoch',
      registers,
      async collect() {
        const endMs = await certificateEnd()
        if (endMs !== undefined) this.set(endMs / 1000)
      },
    })
  }
  const routes = {
    get: counter('api_route_get', 'Reads of the routing table over the API'),
    add: counter('api_route_add', 'Routes added over the API'),
    delete: counter('api_route_delete', 'Deletions of routes over the API'),
  }
  const findTarget = new Summary({
    name: 'find_target_for_req',
    help: 'Seconds to find the route of a request',
    registers,
  })
  const activity = new Summary({
    name: 'last_activity_updating',
    help: 'Seconds to record activity of a route',
    registers,
  })
  const upgrades = counter('requests_ws', 'Upgrade requests, WebSockets for the most part')
  const web = counter('requests_web', 'HTTP requests other than upgrades')
  const proxied = byStatus('requests_proxy', 'Responses by status, those of the proxy itself included')
  const api = byStatus('requests_api', 'Responses of the API by status')

  const ledger = createTrafficLedger({ maxRoutes })
  exposeTraffic(register, 'orrery_proxy', 'kind', () => ledger.byKind())
  if (maxRoutes > 0) exposeTraffic(register, 'orrery_proxy_route', 'route', () => ledger.byRoute())

  /** Quantiles of several processes cannot be put together; their sums and counts can. */
  async function collect(): Promise<CollectedMetrics> {
    const metrics = await register.getMetricsAsJSON()
    return metrics.map(metric => {
      const values = metric.values.filter(({ labels }) => !('quantile' in labels))
      return { ...metric, values }
    })
  }

  return {
    contentType: register.contentType,
    async render(others = []) {
      if (others.length === 0) return register.metrics()
      const all = [await collect(), ...others]
      return AggregatorRegistry.aggregate(all as object[]).metrics()
    },
    collect,
    countWeb: () => web.inc(),
    countUpgrade: () => upgrades.inc(),
    countProxied: status => proxied.inc({ status }),
    countApi: status => api.inc({ status }),
    countRoute: action => routes[action].inc(),
    timeFindTarget: () => findTarget.startTimer(),
    timeActivity: () => activity.startTimer(),
    trafficOf: ledger.of,
    forgetRoute: ledger.forget,
  }
}

/** Counters that are read when somebody asks, so that counting is no more than an addition. */
function exposeTraffic(register: Registry, prefix: string, label: string, read: () => Map<string, Traffic>): void {
  const figures = [
    ['requests', 'requests_total', 'Requests and upgrades that a route was found for'],
    ['received', 'received_bytes_total', 'Bytes of bodies and upgraded connections from clients'],
    ['sent', 'sent_bytes_total', 'Bytes of bodies and upgraded connections to clients'],
  ] as const
  for (const [figure, name, help] of figures) {
    new Counter({
      name: `${prefix}_${name}`,
      help,
      labelNames: [label],
      registers: [register],
      collect() {
        this.reset()
        for (const [value, traffic] of read()) this.inc({ [label]: value }, traffic[figure])
      },
    })
  }
}
