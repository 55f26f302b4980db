/**
 * '/hub/spawn-pending/…': how a start (or stop) goes on, and what became of it. Looking never starts anything
 * (JupyterHub's `SpawnPendingHandler`).
 */
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify'
import type { UserIdentity } from '../../access/identity.ts'
import { spawnPath } from '../../core/names.ts'
import type { Reason } from '../../core/reason.ts'
import type { ServerKey } from '../../core/server-key.ts'
import { serverUrl } from '../../core/subdomains.ts'
import type { PageDeps, PageServer } from '../deps.ts'
import { administratorStep, logVars } from '../log-vars.ts'
import { nextUrl, withQuery } from '../next-url.ts'
import { reachUser, signedIn } from '../page-guards.ts'
import { sendPage, userVars } from '../page-vars.ts'
import { queryText } from '../request-parts.ts'
import { serverPhrase, serverVars } from '../server-vars.ts'
import { templateTime } from '../template-time.ts'
import { knownServer, serverOf } from './home.ts'

const LOG_LINES = 40
const SLOW_MS = 60_000

export function pendingRoutes(app: FastifyInstance, deps: PageDeps): void {
  for (const path of ['/hub/spawn-pending/:user', '/hub/spawn-pending/:user/:server']) {
    app.get(
      path,
      signedIn(deps, async (request, reply, me) => {
        const key = serverOf(request.params as { user: string; server?: string }) // typed by the routes above
        await reachUser(deps, me, key)
        return sendState(deps, request, reply, me, key, await knownServer(deps, key))
      }),
    )
  }
}

async function sendState(
  deps: PageDeps,
  request: FastifyRequest,
  reply: FastifyReply,
  me: UserIdentity,
  key: ServerKey,
  server: PageServer,
) {
  const { state } = server
  switch (state.phase) {
    case 'ready':
      return reply.redirect(await nextUrl(deps, request, { fallback: serverUrl(key, deps.settings) }))
    case 'spawning':
      return sendProgress(deps, request, reply, me, key, server)
    case 'stopping':
      return sendPage(deps, request, reply, {
        template: 'stop_pending.html',
        authStateOf: key.user,
        vars: { ...aboutServer(deps, me, key, server), since: templateTime(state.since) },
      })
    case 'failed':
      return sendNotRunning(deps, request, reply, { me, key, server, status: 500, next: queryText(request, 'next') })
    case 'stopped':
      return sendNotRunning(deps, request, reply, { me, key, server, status: 200, next: queryText(request, 'next') })
  }
}

async function sendProgress(
  deps: PageDeps,
  request: FastifyRequest,
  reply: FastifyReply,
  me: UserIdentity,
  key: ServerKey,
  server: PageServer,
) {
  const { state } = server
  if (state.phase !== 'spawning') throw new TypeError('progress of a server that does not start')
  const [events, logTail, xsrf] = await Promise.all([
    deps.servers.progress(key),
    deps.servers.logs(key, LOG_LINES),
    deps.access.xsrf.token(request, reply),
  ])
  const urls = serverVars(deps.settings, key.user, server)
  return sendPage(deps, request, reply, {
    template: 'spawn_pending.html',
    authStateOf: key.user,
    vars: {
      ...aboutServer(deps, me, key, server),
      progress_url: withQuery(String(urls.progress_url), { _xsrf: xsrf }),
      stop_url: withQuery(String(urls.stop_url), { next: String(urls.pending_url) }),
      percent: state.percent,
      message: state.message,
      since: templateTime(state.since),
      slow: deps.clock.now().getTime() - state.since.getTime() > SLOW_MS,
      events: events.map(event => ({ ...event, at: templateTime(event.at) })),
      log_tail: logTail,
      keeps_logs: deps.servers.keepsLogs,
    },
  })
}

/** The page of a server that stopped or never started; also for visits to `/user/NAME/…`. */
export async function sendNotRunning(
  deps: PageDeps,
  request: FastifyRequest,
  reply: FastifyReply,
  page: {
    me: UserIdentity
    key: ServerKey
    server: PageServer
    status: number
    next: string
    implicitSpawnSeconds?: number
  },
) {
  const { me, key, server } = page
  const { state } = server
  const failed = state.phase === 'failed'
  const reason: Reason | undefined = failed ? state.reason : state.phase === 'stopped' ? state.reason : undefined
  const spawnUrl = spawnPath(key, deps.settings.baseUrl)
  return sendPage(deps, request, reply, {
    template: 'not_running.html',
    authStateOf: key.user,
    status: page.status,
    vars: {
      ...aboutServer(deps, me, key, server),
      spawn_url: page.next === '' ? spawnUrl : withQuery(spawnUrl, { next: page.next }),
      failed,
      failed_message: failed ? reason?.message : undefined,
      failed_next_step: failed ? reason?.nextStep : undefined,
      stopped_message: failed ? undefined : reason?.message,
      next_step: failed ? undefined : reason?.nextStep,
      reason_code: reason?.code,
      since: templateTime(state.since),
      ...(await logVars(deps, me, key, reason)),
      administrator_step: await administratorStep(deps, me, key, reason),
      implicit_spawn_seconds: page.implicitSpawnSeconds ?? 0,
    },
  })
}

// JupyterHub gives these pages the server's owner as `user`. The navigation says who is signed in by it, so it stays true.
function aboutServer(deps: PageDeps, me: UserIdentity, key: ServerKey, server: PageServer) {
  return {
    for_user: userVars(deps, { name: key.user, admin: false, groups: [] }),
    server_name: key.server,
    server_title: serverPhrase(server, key.user, me.name),
    spawner: serverVars(deps.settings, key.user, server),
  }
}
