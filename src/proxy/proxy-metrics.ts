import type { Route } from './route-table.ts'
import { noTraffic, type Traffic } from './traffic.ts'

/** What the proxy counts. Without `--metrics-port` nobody reads it and it costs a call. */
export interface ProxyMetrics {
  countWeb(): void
  countUpgrade(): void
  countProxied(status: number): void
  countApi(status: number): void
  countRoute(action: 'get' | 'add' | 'delete'): void
  /** Call the result when the search is over. */
  timeFindTarget(): () => void
  timeActivity(): () => void
  /** Where the traffic of this route is counted. */
  trafficOf(route: Route): Traffic
  forgetRoute(path: string): void
}

/** Plain data of the metrics library. */
export type CollectedMetrics = readonly object[]

export interface ExposedMetrics extends ProxyMetrics {
  readonly contentType: string
  /** With what other processes have counted, as their `collect` tells it. */
  render(others?: readonly CollectedMetrics[]): Promise<string>
  /** What this process has counted, to be sent to the one that renders. */
  collect(): Promise<CollectedMetrics>
}

const nothing = () => {}
const unread = noTraffic()

export const noMetrics: ProxyMetrics = {
  countWeb: nothing,
  countUpgrade: nothing,
  countProxied: nothing,
  countApi: nothing,
  countRoute: nothing,
  timeFindTarget: () => nothing,
  timeActivity: () => nothing,
  trafficOf: () => unread,
  forgetRoute: nothing,
}
