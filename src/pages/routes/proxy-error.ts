/**
 * '/hub/error/503?url=/user/ada/lab': the proxy fetches this page to answer a browser whose server it cannot reach.
 * JupyterHub answers 200 here and configurable-http-proxy puts its own status on it.
 */
import type { FastifyInstance } from 'fastify'
import { HubError } from '../../core/errors.ts'
import type { PageDeps } from '../deps.ts'
import { renderErrorPage } from '../error-page.ts'
import { queryText } from '../request-parts.ts'

export function proxyErrorRoutes(app: FastifyInstance, deps: PageDeps): void {
  const { baseUrl } = deps.settings
  const hub = `${baseUrl}hub/`

  app.get<{ Params: { code: string } }>('/hub/error/:code', async (request, reply) => {
    const status = Number(request.params.code)
    if (!(status >= 400 && status <= 599)) throw new HubError('not_found', { status: 404, message: 'Not Found' })
    const html = renderErrorPage(deps.renderer, {
      status,
      vars: {
        logo_url: `${hub}home`,
        error_actions: actions(queryText(request, 'url')),
        base_url: hub,
      },
    })
    return reply.type('text/html; charset=utf-8').header('cache-control', 'no-store').send(html)
  })

  // Back to where the person was going, when that is a path of this site.
  function actions(url: string): { href: string; label: string }[] {
    const home = { href: `${hub}home`, label: 'Home' }
    const path = url.split('?')[0]!
    const isOwn = path.startsWith(`${baseUrl}user/`) && !path.includes('//') && !path.includes('\\')
    return isOwn ? [home, { href: path, label: 'Try again' }] : [home]
  }
}
