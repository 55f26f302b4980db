/**
 * '/hub/' and everything without a page of its own: outside the hub's prefix JupyterHub redirects inside
 * (`/user/ada/lab` to '/hub/user/ada/lab'), inside there is nothing.
 */
import type { FastifyInstance, FastifyPluginAsync, FastifyRequest } from 'fastify'
import { type SiteAddresses, serviceUrl } from '../../core/subdomains.ts'
import { pathOf } from '../../http/api-path.ts'
import type { PageDeps } from '../deps.ts'
import { nextUrl, siteDefaultUrl } from '../next-url.ts'

/** Addresses outside the base path lead inside, too; registered without a prefix. Arguments are left behind, as there. */
export function outsideRoutes({ baseUrl, subdomains }: SiteAddresses): FastifyPluginAsync {
  return async app => {
    if (baseUrl === '/') return
    app.get('/*', { config: { catchAll: true } }, async (request, reply) => {
      const path = pathOf(request.url)
      return reply.redirect(
        `${subdomains?.origin ?? ''}${baseUrl}hub/${`${path}/` === baseUrl ? '' : path.replace(/^\/+/, '')}`,
      )
    })
  }
}

export function rootRoutes(app: FastifyInstance, deps: PageDeps): void {
  const { baseUrl, subdomains } = deps.settings
  const hub = `${baseUrl}hub/`

  app.get('/hub/', async (request, reply) => {
    const identity = await deps.access.identify(request)
    const user = identity?.kind === 'user' ? identity : undefined
    // As in JupyterHub, the site's choice comes before `next` here, and leaves the arguments behind.
    const chosen = await siteDefaultUrl(deps, user)
    if (chosen) return reply.redirect(chosen)
    if (user) return reply.redirect(await nextUrl(deps, request, { user }))
    return reply.redirect(`${hub}login?next=${encodeURIComponent(request.url)}`)
  })

  app.get('/hub', async (_request, reply) => reply.redirect(hub, 301))

  app.get('/*', { config: { catchAll: true } }, async (request, reply) => {
    const service = subdomains && serviceAddress(deps.settings, request)
    if (service) return reply.redirect(service)
    if (request.url.startsWith(hub)) return reply.callNotFound() // 404, or 405 where another method has a page
    const path = request.url.startsWith(baseUrl) ? request.url.slice(baseUrl.length) : request.url.slice(1)
    // Visits to stopped servers come by the hosts of their users, where the hub has no cookie.
    return reply.redirect(`${subdomains?.origin ?? ''}${hub}${path.replace(/^\/+/, '')}`)
  })
}

/** `/services/NAME/…` on the hub's host, by a link that knows paths alone, leads to the host of the service. */
function serviceAddress({ baseUrl, subdomains }: SiteAddresses, request: FastifyRequest): string | undefined {
  const [, escaped, rest = ''] = request.url.slice(`${baseUrl}services`.length).match(/^\/([^/?]+)(.*)$/) ?? []
  if (!request.url.startsWith(`${baseUrl}services/`) || escaped === undefined) return undefined
  const name = decodePart(escaped)
  const domain = name === undefined ? undefined : subdomains?.domainOf('service', name)
  // There, the proxy leads to the service; whatever comes here all the same finds none.
  if (name === undefined || domain === undefined || request.hostname === domain) return undefined
  return serviceUrl(name, { baseUrl, subdomains }) + rest.replace(/^\//, '')
}

function decodePart(text: string): string | undefined {
  try {
    return decodeURIComponent(text)
  } catch {
    return undefined
  }
}
