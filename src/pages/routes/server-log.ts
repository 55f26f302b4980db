/** '/hub/server-log/…': what a server prints, as it prints it; with `?download` as a file. */
import { Readable } from 'node:stream'
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify'
import type { UserIdentity } from '../../access/identity.ts'
import type { ServerKey } from '../../core/server-key.ts'
import { logFileName } from '../../features/servers/log-file-name.ts'
import { noLogs } from '../../spawning/server-log.ts'
import type { PageDeps } from '../deps.ts'
import { reachUser, signedIn } from '../page-guards.ts'
import { sendPage } from '../page-vars.ts'
import { queryText } from '../request-parts.ts'
import { serverPhrase, serverVars } from '../server-vars.ts'
import { templateTime } from '../template-time.ts'
import { knownServer, serverOf } from './home.ts'

/** Of a page whose script does not run; the others follow. */
const LOG_LINES = 200

export function serverLogRoutes(app: FastifyInstance, deps: PageDeps): void {
  for (const path of ['/hub/server-log/:user', '/hub/server-log/:user/:server']) {
    app.get(
      path,
      signedIn(deps, async (request, reply, me) => {
        const key = serverOf(request.params as { user: string; server?: string }) // typed by the routes above
        await reachUser(deps, me, key)
        return queryText(request, 'download') === ''
          ? sendLogPage(deps, request, reply, me, key)
          : sendLogFile(deps, reply, key)
      }),
    )
  }
}

async function sendLogPage(
  deps: PageDeps,
  request: FastifyRequest,
  reply: FastifyReply,
  me: UserIdentity,
  key: ServerKey,
): Promise<FastifyReply> {
  const server = await knownServer(deps, key)
  return sendPage(deps, request, reply, {
    template: 'server_log.html',
    authStateOf: key.user,
    vars: {
      server_title: serverPhrase(server, key.user, me.name),
      spawner: serverVars(deps.settings, key.user, server),
      since: templateTime(server.state.since),
      keeps_logs: deps.servers.keepsLogs,
      log_text: await deps.servers.logs(key, LOG_LINES),
    },
  })
}

async function sendLogFile(deps: PageDeps, reply: FastifyReply, key: ServerKey): Promise<FastifyReply> {
  if (!deps.servers.keepsLogs) throw noLogs()
  const gone = new AbortController()
  reply.raw.once('close', () => gone.abort())
  return reply
    .type('text/plain; charset=utf-8')
    .header('cache-control', 'no-store')
    .header('content-disposition', `attachment; filename="${logFileName(key)}"`)
    .send(Readable.from(deps.servers.wholeLog(key, gone.signal)))
}
