import type { Config } from '../../config/schema.ts'
import type { HubMetrics } from '../../http/metrics.ts'
import { proxyApi } from '../../proxy/api-client.ts'
import type { RouteKeeperOptions } from '../../routing/route-keeper.ts'
import { measureProxy } from './measure.ts'

/** All proxies whose tables the hub keeps, the one that it was installed with first. */
export function makeProxies(
  { proxy: { apiUrl, authToken = '', additional } }: Config,
  how: { metrics: HubMetrics; hostRouting: boolean; tls: Parameters<typeof proxyApi>[0]['tls'] },
): RouteKeeperOptions['proxies'] {
  return [{ apiUrl, authToken }, ...additional].map(({ apiUrl: url, authToken: token = authToken }) => {
    // A plain address stays plain: one of them may lie behind a tunnel of its own.
    const tls = url.startsWith('https:') ? how.tls : undefined
    return { url, api: measureProxy(proxyApi({ url, token, hostRouting: how.hostRouting, tls }), how.metrics) }
  })
}
