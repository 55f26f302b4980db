/**
 * Pages of the hub on the hub's own host alone. A person who signed in on the host of a server would leave a login
 * there, for its scripts to use. The REST API answers everywhere: on other hosts it has no cookie to go by.
 */
import type { FastifyInstance } from 'fastify'
import { HubError } from '../core/errors.ts'
import type { Subdomains } from '../core/subdomains.ts'
import { isApiPath } from './api-path.ts'

export function keepPagesOnHubHost(
  server: FastifyInstance,
  { baseUrl, subdomains }: { baseUrl: string; subdomains: Pick<Subdomains, 'origin' | 'isBelow'> },
): void {
  const hub = `${baseUrl}hub/`
  server.addHook('onRequest', async (request, reply) => {
    if (!subdomains.isBelow(request.hostname) || !request.url.startsWith(hub)) return
    if (isApiPath(request.url, baseUrl)) return
    if (request.method === 'GET' || request.method === 'HEAD') return reply.redirect(subdomains.origin + request.url)
    throw new HubError('not_on_hub_host', {
      status: 421,
      message: 'This address belongs to a server or a service, not to the hub.',
      nextStep: `Go to ${subdomains.origin}${hub} and repeat what you did.`,
    })
  })
}
