/** The HTTP server of the hub with all that holds for every request; paths come from `register-routes.ts`. */
import type { Server as TlsServer } from 'node:tls'
import type { FastifyInstance } from 'fastify'
import type { Access } from '../../access/access.ts'
import { requireScope } from '../../access/guards.ts'
import type { Identity } from '../../access/identity.ts'
import { stateOf } from '../../access/request-state.ts'
import type { Config } from '../../config/schema.ts'
import type { Logger } from '../../core/runtime.ts'
import type { Subdomains } from '../../core/subdomains.ts'
import { keepPagesOnHubHost } from '../../http/hub-host.ts'
import { createHubServer } from '../../http/hub-server.ts'
import type { HubMetrics } from '../../http/metrics.ts'
import { measureRequests, metricsRoutes } from '../../http/metrics-routes.ts'
import type { HubTls } from '../../pki/internal/hub-tls.ts'

export async function makeServer({
  config,
  access,
  metrics,
  subdomains,
  tls,
  log,
}: {
  config: Config
  access: Access
  metrics: HubMetrics
  subdomains: Subdomains | undefined
  tls: HubTls | undefined
  log: Logger
}): Promise<FastifyInstance> {
  const { baseUrl } = config
  const server = createHubServer({
    log,
    baseUrl,
    headers: config.headers,
    forwardedHostHeader: config.forwardedHostHeader,
    trustedDownstreamIps: config.trustedDownstreamIps,
    ...(tls && { tls: tls.listen }),
    whoAsked: async request => callerName(await stateOf(request).identity?.catch(() => undefined)),
  })
  const listening = server.server as unknown as TlsServer // with `tls`; fastify's type knows plain ones
  tls?.keepUpToDate(({ listen }) => listening.setSecureContext(listen), log)
  if (subdomains) keepPagesOnHubHost(server, { baseUrl, subdomains })
  measureRequests(server, metrics, baseUrl)
  const guard = config.metrics.authenticate ? requireScope(access, 'read:metrics') : undefined
  await server.register(metricsRoutes(metrics, guard), { prefix: baseUrl.slice(0, -1) })
  return server
}

/** As the log names who asked: `alice`, `service:culler`. */
function callerName(identity: Identity | undefined): string | undefined {
  return identity && (identity.kind === 'user' ? identity.name : `service:${identity.name}`)
}
