import type { FastifyInstance, FastifyPluginAsync, preHandlerAsyncHookHandler } from 'fastify'
import { handlerLabel } from './handler-labels.ts'
import type { HubMetrics } from './metrics.ts'
import { type Operation, text } from './operation.ts'

/** Measures every request of this server. */
export function measureRequests(server: FastifyInstance, metrics: HubMetrics, baseUrl: string): void {
  server.addHook('onResponse', (request, reply, done) => {
    const handler = handlerLabel(request.routeOptions.url, baseUrl)
    metrics.requestDuration.observe(
      { method: request.method, handler, code: String(reply.statusCode) },
      reply.elapsedTime / 1000,
    )
    done()
  })
}

/**
 * `/hub/metrics` and `/hub/api/metrics`, guarded by the scope `read:metrics` unless the configuration opens them
 * (JupyterHub's `authenticate_prometheus`): pass no guard then.
 */
export function metricsRoutes(metrics: HubMetrics, guard?: preHandlerAsyncHookHandler): FastifyPluginAsync {
  return async server => {
    for (const path of ['/hub/metrics', '/hub/api/metrics']) {
      const options = { config: { operation: getMetrics(guard !== undefined) }, ...(guard && { preHandler: guard }) }
      server.get(path, options, async (_request, reply) =>
        reply.type(metrics.registry.contentType).send(await metrics.registry.metrics()),
      )
    }
  }
}

function getMetrics(isGuarded: boolean): Operation {
  return {
    id: 'getMetrics',
    tag: 'hub',
    summary: 'Metrics for Prometheus',
    ...(isGuarded && { scopes: ['read:metrics'] }),
    answers: { 200: text('The metrics in the text format.', 'text/plain') },
  }
}
