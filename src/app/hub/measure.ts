/** Hands the parts' times to the metrics, under the labels of JupyterHub's. */

import { isNearMemoryLimit } from '../../core/for-browsers/usage-words.ts'
import type { ServerActionLog } from '../../features/events/server-action-log.ts'
import type { SignIn } from '../../features/sign-in/sign-in.ts'
import type { UsageWatch } from '../../features/usage/usage-watch.ts'
import type { HubMetrics } from '../../http/metrics.ts'
import type { ProxyApi } from '../../proxy/api-client.ts'
import type { RouteKeeper } from '../../routing/route-keeper.ts'
import type { SpawningObserver } from '../../spawning/context.ts'

/** A refusal or a fault that can be told is a `failure` with its code as the reason; JupyterHub's own reasons keep their names. */
export function measureSpawning(metrics: HubMetrics, events?: ServerActionLog): SpawningObserver {
  const { spawnDuration, stopDuration, pollDuration, serverEnds } = metrics
  return {
    started(key, outcome, ms) {
      // Another hub goes on with it, and counts it.
      if (outcome === 'handed_over') return
      if (outcome === 'success') {
        spawnDuration.observe({ status: 'success', reason: '' }, ms / 1000)
        events?.record('start', key)
      } else if (outcome === 'spawn_error') spawnDuration.observe({ status: 'error', reason: '' }, ms / 1000)
      else spawnDuration.observe({ status: 'failure', reason: outcome }, ms / 1000)
    },
    stopped(key, outcome, ms, asked) {
      const failed = outcome === 'stop_failed'
      stopDuration.observe({ status: failed ? 'failure' : 'success' }, ms / 1000)
      serverEnds.inc({ reason: outcome })
      if (asked && !failed) events?.record('stop', key)
    },
    polled(outcome, ms) {
      if (outcome !== 'unknown')
        pollDuration.observe({ status: outcome === 'ended' ? 'stopped' : 'running' }, ms / 1000)
    },
  }
}

export function measureSignIn(signIn: SignIn, { loginDuration, loginRefusals }: HubMetrics): SignIn {
  return {
    ...signIn,
    async attempt(given) {
      const startedAt = performance.now()
      const outcome = await signIn.attempt(given)
      const status = 'refused' in outcome ? 'failure' : 'success'
      loginDuration.observe({ status }, (performance.now() - startedAt) / 1000)
      if ('refused' in outcome) loginRefusals.inc({ reason: outcome.refused })
      return outcome
    },
  }
}

/** Whether each proxy answers, and until when its certificate lasts, asked at every look at the metrics. */
export function measureProxies(routes: RouteKeeper, { proxyUp, proxyCertificateEnd }: HubMetrics): void {
  proxyCertificateEnd.collect = async () => {
    for (const [proxy, { not_after: end }] of await routes.certificates()) {
      if (end !== null) proxyCertificateEnd.set({ proxy }, Date.parse(end) / 1000)
    }
  }
  proxyUp.collect = () => {
    for (const { url, up } of routes.health()) proxyUp.set({ proxy: url }, up ? 1 : 0)
  }
}

/** Sums over all servers: with a value for each, every user would be a series for ever. 0 at a hub that leaves the looking to another. */
export function measureUsage(usage: Pick<UsageWatch, 'last'>, metrics: HubMetrics): void {
  const { serversMemory, serversCpu, serversNearLimit } = metrics
  const all = () => usage.last() ?? []
  serversMemory.collect = () => serversMemory.set(all().reduce((sum, { latest }) => sum + latest.memoryBytes, 0))
  serversCpu.collect = () => serversCpu.set(all().reduce((sum, { latest }) => sum + (latest.cpu ?? 0), 0))
  serversNearLimit.collect = () => serversNearLimit.set(all().filter(({ latest }) => isNearMemoryLimit(latest)).length)
}

export function measureProxy(api: ProxyApi, metrics: HubMetrics): ProxyApi {
  async function timed<T>(histogram: HubMetrics['proxyAddDuration'], call: () => Promise<T>): Promise<T> {
    const startedAt = performance.now()
    const end = (status: string) => histogram.observe({ status }, (performance.now() - startedAt) / 1000)
    try {
      const result = await call()
      end('success')
      return result
    } catch (error) {
      end('failure')
      throw error
    }
  }
  return {
    ...api,
    addRoute: (...asked) => timed(metrics.proxyAddDuration, () => api.addRoute(...asked)),
    deleteRoute: (...asked) => timed(metrics.proxyDeleteDuration, () => api.deleteRoute(...asked)),
    getRoutes: async signal => {
      const end = metrics.proxyPollDuration.startTimer()
      try {
        return await api.getRoutes(signal)
      } finally {
        end()
      }
    },
  }
}
