/** A client that speaks HTTP/2 with a proxy of a test. */
import { once } from 'node:events'
import { mkdtempSync } from 'node:fs'
import {
  type ClientHttp2Session,
  type ClientHttp2Stream,
  connect,
  type IncomingHttpHeaders,
  type IncomingHttpStatusHeader,
  type OutgoingHttpHeaders,
} from 'node:http2'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { buffer } from 'node:stream/consumers'
import type { ProxyOptions } from '../proxy-options.ts'
import { startTestProxy, type TestProxy } from './running-proxy.ts'

export type Http2Headers = IncomingHttpHeaders & IncomingHttpStatusHeader

export interface Http2Answer {
  readonly headers: Http2Headers
  readonly trailers: IncomingHttpHeaders
  readonly body: Buffer
}

/** A proxy that offers HTTP/2, with a certificate of its own. */
export function startHttp2Proxy(
  routes: Readonly<Record<string, string>>,
  options: Partial<ProxyOptions> = {},
): Promise<TestProxy> {
  const folder = mkdtempSync(join(tmpdir(), 'http2-'))
  return startTestProxy(routes, { certificate: { kind: 'self-signed', folder, names: ['127.0.0.1'] }, ...options })
}

/** Resolves when the server's settings are there. */
export async function connectHttp2(port: number): Promise<ClientHttp2Session & AsyncDisposable> {
  const session = connect(`https://127.0.0.1:${port}`, { rejectUnauthorized: false })
  session.on('error', () => {})
  await once(session, 'remoteSettings')
  return Object.assign(session, { [Symbol.asyncDispose]: async () => session.destroy() })
}

/** Sends one request with its body, and reads the whole answer. Rejects when it is broken off. */
export async function ask(
  session: ClientHttp2Session,
  headers: OutgoingHttpHeaders,
  body?: Buffer | string,
): Promise<Http2Answer> {
  const stream = session.request(headers, { endStream: body === undefined })
  if (body !== undefined) stream.end(body)
  return answerOf(stream)
}

export async function answerOf(stream: ClientHttp2Stream): Promise<Http2Answer> {
  let trailers: IncomingHttpHeaders = {}
  stream.on('trailers', fields => {
    trailers = fields
  })
  const [headers] = (await once(stream, 'response')) as [Http2Headers]
  const body = await buffer(stream)
  if (stream.rstCode !== 0) throw new Error(`the stream was reset with ${stream.rstCode}`)
  return { headers, trailers, body }
}
