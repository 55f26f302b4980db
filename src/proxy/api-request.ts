/** One request to a proxy's REST API, over a kept connection. */
import type { IncomingHttpHeaders } from 'node:http'
import { http, https } from '../http/node-http.ts'
import type { ClientTls } from '../pki/internal/client-tls.ts'

export interface ApiAnswer {
  readonly status: number
  readonly text: string
  readonly headers: IncomingHttpHeaders
}

export interface ApiRequest {
  readonly method: 'GET' | 'POST' | 'DELETE'
  readonly headers: Readonly<Record<string, string>>
  /** Sent as JSON. */
  readonly body?: unknown
  readonly signal: AbortSignal
  readonly tls?: ClientTls | undefined
}

/** Follows no redirect. Throws what the socket says, or that the signal has ended it. */
export function sendApiRequest(url: string, { method, headers, body, signal, tls }: ApiRequest): Promise<ApiAnswer> {
  const { promise, resolve, reject } = Promise.withResolvers<ApiAnswer>()
  const text = body === undefined ? undefined : JSON.stringify(body)
  const options = {
    ...tls,
    method,
    signal,
    headers: {
      ...headers,
      ...(text !== undefined && { 'content-type': 'application/json', 'content-length': Buffer.byteLength(text) }),
    },
  }
  const request = (url.startsWith('https:') ? https : http).request(url, options, response => {
    const chunks: Buffer[] = []
    response.on('data', chunk => chunks.push(chunk))
    response.on('error', reject)
    response.on('end', () => {
      resolve({
        status: response.statusCode ?? 0,
        text: Buffer.concat(chunks).toString(),
        headers: response.headers,
      })
    })
  })
  request.on('error', reject)
  request.end(text)
  return promise
}
