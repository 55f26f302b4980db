/** Probes: an empty 200 as fast as possible (JupyterHub's `HealthCheckHandler`). */
import type { FastifyInstance } from 'fastify'
import { getHealth } from '../../features/hub-info/operations.ts'

export function healthRoutes(app: FastifyInstance): void {
  for (const url of ['/hub/health', '/hub/api/health']) {
    app.route({
      method: ['GET', 'HEAD'],
      url,
      logLevel: 'silent',
      config: { operation: getHealth },
      handler: async (_request, reply) => reply.header('cache-control', 'no-store').send(''),
    })
  }
}
