/**
 * Where `orrery doctor` tries what stands in front of the hub: echoes of requests, of large bodies and of WebSockets, a
 * stream, a compressed answer. Whoever has no key is told that there is no such page.
 */
import type { IncomingMessage } from 'node:http'
import type { Readable } from 'node:stream'
import { setTimeout as sleep } from 'node:timers/promises'
import { gzipSync } from 'node:zlib'
import type { FastifyPluginAsync, FastifyRequest } from 'fastify'
import { HubError } from '../../core/errors.ts'
import type { Clock } from '../../core/runtime.ts'
import { echoOf } from './echo.ts'
import { echoWebSockets } from './echo-web-sockets.ts'
import { isProbeKey, PROBE_HEADER } from './probe-key.ts'

export interface ProbeDeps {
  readonly cookieSecret: Uint8Array
  /** Of this Orrery. */
  readonly version: string
  /** The hub's paths begin below it; ends with a slash. */
  readonly baseUrl: string
  readonly clock: Clock
}

const MAX_BODY_BYTES = 64 * 1024 * 1024
/** Time between the two events of the stream: whoever holds the first back gives both at once. */
export const EVENT_GAP_MS = 1_500
const COMPRESSED = 'compressed once. '.repeat(200)

export function probeRoutes({ cookieSecret, version, baseUrl, clock }: ProbeDeps): FastifyPluginAsync {
  const isKnown = (request: IncomingMessage) => isProbeKey(request.headers[PROBE_HEADER], cookieSecret, clock.now())

  return async server => {
    // Before anything of the body is read.
    server.addHook('onRequest', async request => {
      if (!isKnown(request.raw)) throw new HubError('not_found', { status: 404, message: 'Not Found' })
    })
    server.removeAllContentTypeParsers()
    server.addContentTypeParser('*', (_request: FastifyRequest, body: Readable, done) => done(null, body))

    for (const url of ['/hub/probe/echo', '/hub/probe/echo/*']) {
      server.route({
        method: ['GET', 'POST', 'PUT', 'PATCH', 'DELETE'],
        url,
        async handler(request, reply) {
          if (Number(request.headers['content-length']) > MAX_BODY_BYTES) throw tooLarge()
          const received = await countedBytes(request.body)
          return reply.header('cache-control', 'no-store').send(echoOf(request, version, received))
        },
      })
    }

    server.get('/hub/probe/stream', async (_request, reply) => {
      // Without the header that asks nginx not to hold it back: servers of users do not send it either.
      reply.hijack()
      reply.raw.writeHead(200, { 'content-type': 'text/event-stream', 'cache-control': 'no-cache' })
      reply.raw.write('data: first\n\n')
      await sleep(EVENT_GAP_MS)
      reply.raw.end('data: second\n\n')
    })

    server.get('/hub/probe/compressed', async (_request, reply) =>
      reply.header('content-type', 'text/plain').header('content-encoding', 'gzip').send(gzipSync(COMPRESSED)),
    )

    const sockets = echoWebSockets(isKnown)
    server.upgrades.set(`${baseUrl}hub/probe/websocket`, sockets.upgrade)
    server.addHook('onClose', async () => sockets.close())
  }
}

/** Counts and forgets. What is not announced is read to its end, for as long as a request may take. */
async function countedBytes(body: unknown): Promise<number> {
  let bytes = 0
  if (body) for await (const chunk of body as Readable) bytes += (chunk as Buffer).length
  return bytes
}

function tooLarge(): HubError {
  // The rest of the body would be taken for the next request.
  const headers = { connection: 'close' }
  return new HubError('body_too_large', { status: 413, message: 'That is more than is taken.', headers })
}
