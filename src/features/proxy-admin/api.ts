import type { FastifyPluginAsync } from 'fastify'
import type { Access } from '../../access/access.ts'
import { scoped } from '../../access/endpoint.ts'
import { getIdentity } from '../../access/guards.ts'
import { HubError } from '../../core/errors.ts'
import type { Logger } from '../../core/runtime.ts'
import { parseBody } from '../../http/json-body.ts'
import { type PageLimits, pageBody, readPage } from '../../http/pagination.ts'
import type { CertificateReport } from '../../proxy/tls/certificate-report.ts'
import * as operations from './operations.ts'
import { proxyMove } from './schemas.ts'

/** A route as configurable-http-proxy and JupyterHub show it. */
export interface ShownRoute {
  routespec: string
  target: string
  data: Record<string, unknown>
}

export interface ProxyAdminDeps {
  readonly access: Access
  readonly log: Logger
  readonly pageLimits?: PageLimits
  /** The proxy's table, by route. */
  routes(): Promise<Readonly<Record<string, ShownRoute>>>
  /** Every proxy whose table is kept. */
  /** By the URL of their proxies, as far as these tell. */
  certificates(): Promise<ReadonlyMap<string, CertificateReport>>
  proxies(): readonly { readonly url: string; readonly up: boolean; readonly since: Date }[]
  /** Makes the proxy's table equal to the database, now. */
  checkRoutes(): Promise<void>
  /** Another proxy is in charge. Absent: the configuration alone says where the proxy is. */
  moveProxy?(to: { apiUrl?: string; authToken?: string }): Promise<void>
}

async function listProxies(deps: ProxyAdminDeps) {
  const certificates = await deps.certificates()
  return deps.proxies().map(({ url, up, since }) => ({
    api_url: url,
    up,
    since: since.toISOString(),
    certificate: certificates.get(url) ?? null,
  }))
}

/** `/hub/api/proxy`, as in JupyterHub: see the routes, repair them, name another proxy. `/hub/api/proxies`: all there are. */
export function proxyAdminApi(deps: ProxyAdminDeps): FastifyPluginAsync {
  const { access, log } = deps

  return async server => {
    server.get('/hub/api/proxy', scoped(access, operations.listRoutes), async request => {
      const page = readPage(request, deps.pageLimits)
      const routes = Object.entries(await deps.routes()).sort(([a], [b]) => (a < b ? -1 : 1))
      const shown = Object.fromEntries(routes.slice(page.offset, page.offset + page.limit))
      return pageBody(request, shown, page, routes.length)
    })

    server.get('/hub/api/proxies', scoped(access, operations.listProxies), async () => listProxies(deps))

    server.post('/hub/api/proxy', scoped(access, operations.checkRoutes), async (_request, reply) => {
      await deps.checkRoutes()
      return reply.type('application/json').send('')
    })

    server.patch('/hub/api/proxy', scoped(access, operations.moveProxy), async (request, reply) => {
      const { name: by } = await getIdentity(access, request)
      if (request.body === undefined) throw new HubError('no_body', { status: 400, message: 'need JSON body' })
      const { api_url: apiUrl, auth_token: authToken } = parseBody(request, proxyMove, 'Request body must be JSON dict')
      if (!deps.moveProxy && (apiUrl !== undefined || authToken !== undefined)) {
        throw new HubError('proxy_fixed', {
          status: 409,
          message: 'The address of the proxy is set by the configuration.',
          nextStep: 'Change it there and restart the hub.',
        })
      }
      await deps.moveProxy?.({
        ...(apiUrl === undefined ? {} : { apiUrl }),
        ...(authToken === undefined ? {} : { authToken }),
      })
      log.info({ by, apiUrl }, 'proxy moved')
      await deps.checkRoutes()
      return reply.type('application/json').send('')
    })
  }
}
