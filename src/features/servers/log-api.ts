/** `GET /hub/api/users/NAME/servers/SERVER/log`, and `.../log/events` to follow it. JupyterHub has nothing like it. */
import { Readable } from 'node:stream'
import type { FastifyPluginAsync, FastifyReply, FastifyRequest } from 'fastify'
import type { Access } from '../../access/access.ts'
import { scoped } from '../../access/endpoint.ts'
import { HubError } from '../../core/errors.ts'
import type { ServerKey } from '../../core/server-key.ts'
import type { Database } from '../../db/database.ts'
import { queryValue } from '../../http/query.ts'
import { type SseEvent, sendEventStream } from '../../http/sse.ts'
import type { LogNews } from '../../spawning/follow-log.ts'
import { noLogs } from '../../spawning/server-log.ts'
import { findServer } from '../../spawning/server-row.ts'
import type { Spawning } from '../../spawning/spawning.ts'
import { noSuchServer } from './change-server.ts'
import { logFileName } from './log-file-name.ts'
import { logOperations, MOST_LINES, USUAL_LINES } from './log-operations.ts'
import { SERVER_PATHS } from './server-paths.ts'

export interface ServerLogDeps {
  readonly access: Access
  readonly database: Database
  readonly spawning: Pick<Spawning, 'keepsLogs' | 'logs' | 'wholeLog' | 'followLog'>
  /** After which a stream ends, so that whoever comes back is asked for their rights again. Default 10 minutes. */
  readonly maxStreamMs?: number
}

export function serverLogApi(deps: ServerLogDeps): FastifyPluginAsync {
  const { access, database, spawning, maxStreamMs = 600_000 } = deps

  return async app => {
    for (const which of ['DefaultServer', 'UnnamedServer', 'NamedServer'] as const) {
      const path = `${SERVER_PATHS[which].replace(/\/$/, '')}/log`
      const operations = logOperations(which)
      app.get(path, scoped(access, operations.download, keyOf), download)
      app.get(`${path}/events`, scoped(access, operations.follow, keyOf), follow)
    }
  }

  async function download(request: FastifyRequest, reply: FastifyReply) {
    const key = await getKey(request)
    const lines = linesAsked(request, 1, MOST_LINES)
    reply.type('text/plain; charset=utf-8').header('content-disposition', `attachment; filename="${logFileName(key)}"`)
    if (lines !== undefined) return reply.send(await spawning.logs(key, lines))
    const gone = new AbortController()
    reply.raw.once('close', () => gone.abort())
    return reply.send(Readable.from(spawning.wholeLog(key, gone.signal)))
  }

  async function follow(request: FastifyRequest, reply: FastifyReply) {
    const key = await getKey(request)
    const lines = linesAsked(request, 0, MOST_LINES) ?? USUAL_LINES
    const afterId = request.headers['last-event-id']?.toString()
    return sendEventStream(request, reply, async function* (gone) {
      const signal = AbortSignal.any([gone, AbortSignal.timeout(maxStreamMs)])
      for await (const news of spawning.followLog(key, { lines, afterId, signal })) yield eventOf(news)
    })
  }

  async function getKey(request: FastifyRequest): Promise<ServerKey> {
    const key = keyOf(request)
    if (!spawning.keepsLogs) throw noLogs()
    if (key.server !== '' && !(await findServer(database, key))) throw noSuchServer(key)
    return key
  }
}

function keyOf(request: FastifyRequest): ServerKey {
  const { name, server = '' } = request.params as { name: string; server?: string } // typed by the paths
  return { user: name, server }
}

function linesAsked(request: FastifyRequest, least: number, most: number): number | undefined {
  const text = queryValue(request, 'lines')
  if (text === undefined) return undefined
  const lines = Number(text)
  if (/^\d+$/.test(text) && lines >= least && lines <= most) return lines
  throw new HubError('invalid_query', { status: 400, message: `lines must be a number from ${least} to ${most}` })
}

function eventOf({ text, id, how }: LogNews): SseEvent {
  return { data: { text }, ...(id !== undefined && { id }), ...(how !== undefined && { event: how }) }
}
