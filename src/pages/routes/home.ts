/** '/hub/home', and the forms on it: stop, delete, add. They work without scripts. */
import type { FastifyInstance } from 'fastify'
import { HubError } from '../../core/errors.ts'
import { isValidServerName, spawnPath } from '../../core/names.ts'
import type { ServerKey } from '../../core/server-key.ts'
import type { PageDeps, PageServer } from '../deps.ts'
import { namedServerLimit } from '../named-server-limit.ts'
import { isActive, nextUrl } from '../next-url.ts'
import { reachUser, signedIn, signedInForm } from '../page-guards.ts'
import { sendPage, userVars } from '../page-vars.ts'
import { formText } from '../request-parts.ts'
import { serverTitle, serverVars } from '../server-vars.ts'

interface ServerParams {
  user: string
  server?: string
}

export function homeRoutes(app: FastifyInstance, deps: PageDeps): void {
  const { baseUrl, allowNamedServers } = deps.settings
  const hub = `${baseUrl}hub/`

  app.get(
    '/hub/home',
    signedIn(deps, async (request, reply, me) => {
      const listed = await latestServers(deps, me.name)
      if (!listed.some(server => isActive(server.state.phase))) deps.servers.expectStart(me.name)
      const shown = listed.filter(server => server.name === '' || allowNamedServers)
      const usage = await deps.servers.usage(me.name)
      const servers = shown.map(server => serverVars(deps.settings, me.name, server, usage.get(server.name)))
      const named = servers.filter(server => server.name !== '')
      const limit = await namedServerLimit(deps, me.name)
      const defaultServer = servers.find(server => server.name === '')
      return sendPage(deps, request, reply, {
        template: 'home.html',
        authStateOf: me.name,
        vars: {
          page: 'home',
          user: { ...userVars(deps, me), spawner: defaultServer, all_spawners: () => named },
          url: defaultServer?.active ? defaultServer.url : defaultServer?.start_url,
          servers,
          spawners: servers,
          default_server: defaultServer,
          allow_named_servers: allowNamedServers,
          keeps_logs: deps.servers.keepsLogs,
          named_server_limit_per_user: limit,
          limit_reached: limit > 0 && named.length >= limit,
          invalid_server_names: named.map(server => String(server.name)).filter(name => !isValidServerName(name)),
        },
      })
    }),
  )

  app.post(
    '/hub/home/new-server',
    signedInForm(deps, async (request, reply, me) => {
      const name = formText(request, 'name').trim()
      return reply.redirect(name === '' ? `${hub}home` : spawnPath({ user: me.name, server: name }, baseUrl), 303)
    }),
  )

  for (const path of ['/hub/stop/:user', '/hub/stop/:user/:server']) {
    app.post<{ Params: ServerParams }>(
      path,
      signedInForm(deps, async (request, reply, me) => {
        const key = serverOf(request.params as ServerParams) // typed by the route
        const user = await reachUser(deps, me, key, 'delete:servers')
        const server = await deps.servers.find(key)
        if (isActive(server?.state.phase)) {
          await deps.refresh?.beforeStop(user, me)
          await deps.servers.stop(key, { by: me.name })
        }
        return reply.redirect(await nextUrl(deps, request, { fallback: `${hub}home` }), 303)
      }),
    )
  }

  app.get<{ Params: ServerParams }>(
    '/hub/delete-server/:user/:server',
    signedIn(deps, async (request, reply, me) => {
      const key = serverOf(request.params as ServerParams) // typed by the route
      await reachUser(deps, me, key, 'delete:servers')
      const server = await stoppedServer(deps, key)
      return sendPage(deps, request, reply, {
        template: 'delete_server.html',
        vars: {
          server: serverVars(deps.settings, key.user, server),
          server_title: serverTitle(server, 'the server'),
          for_user: key.user,
        },
      })
    }),
  )

  app.post<{ Params: ServerParams }>(
    '/hub/delete-server/:user/:server',
    signedInForm(deps, async (request, reply, me) => {
      const key = serverOf(request.params as ServerParams) // typed by the route
      await reachUser(deps, me, key, 'delete:servers')
      await stoppedServer(deps, key)
      await deps.servers.remove(key, { by: me.name })
      return reply.redirect(`${hub}home`, 303)
    }),
  )
}

// As JupyterHub does here: people come to this page when their server is gone.
async function latestServers(deps: PageDeps, user: string): Promise<readonly PageServer[]> {
  const servers = await deps.servers.list(user)
  const ready = servers.filter(server => server.state.phase === 'ready')
  if (ready.length === 0) return servers
  await Promise.all(ready.map(server => deps.servers.check({ user, server: server.name })))
  return deps.servers.list(user)
}

async function stoppedServer(deps: PageDeps, key: { user: string; server: string }) {
  const server = await deps.servers.find(key)
  if (!server) {
    throw new HubError('no_such_server', { status: 404, message: `${key.user} has no server named ${key.server}.` })
  }
  if (isActive(server.state.phase)) {
    throw new HubError('server_active', { status: 400, message: 'This server runs.', nextStep: 'Stop it first.' })
  }
  return server
}

/** Throws HubError 404 `no_such_server`. */
export async function knownServer({ servers }: PageDeps, key: ServerKey): Promise<PageServer> {
  const server = await servers.find(key)
  if (server) return server
  throw new HubError('no_such_server', { status: 404, message: `${key.user} has no such server ${key.server}` })
}

export function serverOf(params: ServerParams): { user: string; server: string } {
  return { user: params.user, server: params.server ?? '' }
}
