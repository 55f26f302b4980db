/**
 * Visits to servers that do not run: the proxy sends `/user/NAME/…` here because it has no route for it. JupyterHub's
 * `UserUrlHandler`, `UserRedirectHandler` and `PrefixRedirectHandler`.
 */
import { setTimeout as sleep } from 'node:timers/promises'
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify'
import { HubError } from '../../core/errors.ts'
import { joinUrlPath, printable, spawnPath, spawnPendingPath } from '../../core/names.ts'
import { hasScope } from '../../core/scopes/reach.ts'
import { serverUrl } from '../../core/subdomains.ts'
import type { PageDeps } from '../deps.ts'
import { ownAddress, withQuery } from '../next-url.ts'
import { signedIn } from '../page-guards.ts'
import { queryText } from '../request-parts.ts'
import { sendNotRunning } from './pending.ts'

const MAX_REDIRECTS = 4

export function userUrlRoutes(app: FastifyInstance, deps: PageDeps): void {
  const { baseUrl } = deps.settings
  const hub = `${baseUrl}hub/`

  for (const path of ['/hub/user/:user', '/hub/user/:user/*']) {
    app.get(path, userUrl(deps))
    app.route({
      method: ['POST', 'PUT', 'PATCH', 'DELETE'],
      url: path,
      handler: async (request, reply) => refuseApiRequest(deps, request, reply, await pathOf(deps, request)),
    })
  }

  for (const path of ['/hub/user-redirect', '/hub/user-redirect/*']) {
    app.get(
      path,
      signedIn(deps, async (request, reply, me) => {
        const [path = '', query] = request.url.split('?')
        const rest = path.slice(`${hub}user-redirect/`.length) // as it came, still escaped
        const chosen = await chosenRedirect(deps, request, me, { path: rest, query: new URLSearchParams(query) })
        if (chosen) return reply.redirect(chosen)
        const key = { user: me.name, server: deps.settings.defaultServerName ?? '' }
        const target = joinUrlPath(serverUrl(key, deps.settings), rest) + (query ? `?${query}` : '')
        return reply.redirect(withQuery(spawnPath(key, baseUrl), { next: target }))
      }),
    )
  }
}

/** What `hooks.userRedirect` says. Links are made by anybody, so what it makes of one never leads to another site. */
async function chosenRedirect(
  deps: PageDeps,
  request: FastifyRequest,
  me: { name: string },
  visit: { path: string; query: URLSearchParams },
): Promise<string | undefined> {
  const { userRedirect, baseUrl } = deps.settings
  const user = userRedirect && (await deps.users.find(me.name))
  if (!user) return undefined
  const chosen = await userRedirect({ ...visit, user, baseUrl })
  if (chosen === undefined || chosen === null) return undefined
  const own = typeof chosen === 'string' ? ownAddress(deps, request, chosen) : ''
  if (own !== '') return own
  deps.log.error({ user: me.name, url: printable(String(chosen)) }, 'hooks.userRedirect leads away from this site')
  throw new HubError('redirect_elsewhere', {
    status: 500,
    message: 'This link leads to another site, so it is not followed.',
    nextStep: 'Tell your administrator: hooks.userRedirect must give a path of this site.',
  })
}

interface UserPath {
  user: string
  server: string
  /** Below '/hub/user/NAME/'. */
  rest: string
}

async function pathOf(deps: PageDeps, request: FastifyRequest): Promise<UserPath> {
  const params = request.params as { user: string; '*'?: string } // typed by the routes above
  const rest = params['*'] ?? ''
  const first = rest.split('/', 1)[0]!
  const isServer =
    deps.settings.allowNamedServers &&
    first !== '' &&
    (await deps.servers.find({ user: params.user, server: first })) !== undefined
  return { user: params.user, server: isServer ? first : '', rest }
}

function userUrl(deps: PageDeps) {
  return signedIn(
    deps,
    async (request, reply, me) => {
      const path = await pathOf(deps, request)
      const key = { user: path.user, server: path.server }
      const user = await deps.users.find(key.user)
      const first = path.rest.split('/', 1)[0]!
      const may = (server: string) =>
        hasScope(me.scopes, 'access:servers', { user: key.user, server, groups: user?.groups ?? [] })
      const server = await deps.servers.find(key)
      if (!user || !server || !(may('') || may(first))) {
        deps.log.info({ user: me.name, path: printable(request.url.split('?')[0]!) }, 'visit to a server refused')
        throw new HubError('not_found', { status: 404, message: 'No access to resources or resources not found' })
      }

      const { phase } = server.state
      if (phase === 'ready') return redirectToServer(deps, request, reply)
      if (expectsJson(request) || path.rest.split('/').includes('api'))
        return refuseApiRequest(deps, request, reply, path)
      if (phase !== 'stopped') {
        return reply.redirect(withQuery(spawnPendingPath(key, deps.settings.baseUrl), { next: request.url }), 303)
      }
      if (me.name === key.user) deps.servers.expectStart(key.user)
      return sendNotRunning(deps, request, reply, {
        me,
        key,
        server,
        status: stoppedStatus(deps),
        next: request.url,
        implicitSpawnSeconds: deps.settings.implicitSpawnSeconds ?? 0,
      })
    },
    { byToken: true },
  )
}

/** JupyterLab watches for this status to say that its server is gone. */
function stoppedStatus(deps: PageDeps): number {
  return deps.settings.useLegacyStoppedServerStatusCode ? 503 : 424
}

function refuseApiRequest(deps: PageDeps, request: FastifyRequest, reply: FastifyReply, path: UserPath): FastifyReply {
  const { baseUrl } = deps.settings
  const place = printable(request.url.split('?')[0]!.slice(`${baseUrl}hub`.length))
  const spawnUrl = `${request.protocol}://${request.host}${spawnPath({ user: path.user, server: path.server }, baseUrl)}`
  return reply
    .code(stoppedStatus(deps))
    .type('application/json')
    .header('cache-control', 'no-store')
    .send({ message: `JupyterHub server no longer running at ${place}. Restart the server at ${spawnUrl}` })
}

function expectsJson(request: FastifyRequest): boolean {
  const accept = request.headers.accept ?? ''
  const json = accept.indexOf('application/json')
  const html = accept.indexOf('text/html')
  return json >= 0 && (html < 0 || json < html)
}

/**
 * The server runs but the proxy does not know yet: back to `/user/…`, a little later each time, and not for ever. Only
 * the count of `redirects` in the address can be kept, as in JupyterHub; jupyterhub-singleuser removes it.
 */
async function redirectToServer(deps: PageDeps, request: FastifyRequest, reply: FastifyReply): Promise<FastifyReply> {
  const { baseUrl, subdomains } = deps.settings
  const redirects = Number.parseInt(queryText(request, 'redirects'), 10) || 0
  if (redirects >= MAX_REDIRECTS) {
    throw new HubError('redirect_loop', {
      status: 500,
      message: 'Redirect loop detected.',
      nextStep: 'The server runs, but the proxy does not lead to it. Wait a moment and try again.',
    })
  }
  if (redirects > 0) {
    deps.log.warn({ path: printable(request.url), redirects }, 'proxy does not lead to a running server')
    await sleep(Math.min(1000 * 2 ** redirects, 10_000))
  }
  const [path = '', query] = request.url.split('?')
  const { user } = request.params as { user: string } // typed by the routes above
  const origin = subdomains?.originOf('user', user) ?? ''
  const target = `${origin}${baseUrl}${path.slice(`${baseUrl}hub/`.length)}`
  const kept = new URLSearchParams(query)
  kept.set('redirects', String(redirects + 1))
  return reply.redirect(withQuery(target, kept))
}
