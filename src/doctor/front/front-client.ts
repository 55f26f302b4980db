/** Requests through the public address, as a browser would make them, each on a connection of its own. */
import type { ClientRequest, IncomingHttpHeaders, IncomingMessage } from 'node:http'
import { getCACertificates, type TLSSocket } from 'node:tls'
import { PROBE_HEADER } from '../../features/probe/probe-key.ts'
import { http, https } from '../../http/node-http.ts'

export interface FrontAnswer {
  readonly status: number
  readonly headers: IncomingHttpHeaders
  readonly body: Buffer
  /** When the first and the last bytes of the body came, in milliseconds since the request was begun. */
  readonly firstByteMs: number
  readonly lastByteMs: number
  /** Address of this machine that it was asked from. */
  readonly from: string
  readonly certificate: { readonly notAfter: Date } | undefined
}

export interface FrontRequest {
  readonly method?: string
  readonly headers?: Readonly<Record<string, string>>
  /** Bytes of a body of nothing but zeros. */
  readonly bodyBytes?: number
}

export interface FrontClient {
  /** `path` below `hub/probe/`. Rejects with the system's or OpenSSL's error, which has a code. */
  ask(path: string, asked?: FrontRequest): Promise<FrontAnswer>
  /** For WebSockets: address and what a request has besides. */
  readonly url: URL
  readonly headers: Readonly<Record<string, string>>
  readonly tls: { readonly ca: string[]; readonly rejectUnauthorized: boolean }
  /** The same whatever the certificate. */
  trusting(): FrontClient
}

const CHUNK = Buffer.alloc(64 * 1024)

export function frontClient(
  publicUrl: string,
  key: string,
  signal: AbortSignal,
  rejectUnauthorized = true,
): FrontClient {
  const url = new URL(publicUrl)
  const headers = { [PROBE_HEADER]: key }
  // A site's own authority is among those of the system.
  const ca = [...new Set([...getCACertificates('default'), ...getCACertificates('system')])]
  const tls = { ca, rejectUnauthorized }
  return {
    url,
    headers,
    tls,
    trusting: () => frontClient(publicUrl, key, signal, false),
    ask(path, { method = 'GET', headers: more, bodyBytes } = {}) {
      const send = url.protocol === 'https:' ? https.request : http.request
      const begunAt = performance.now()
      return new Promise((resolve, reject) => {
        const length =
          bodyBytes === undefined
            ? undefined
            : { 'content-length': String(bodyBytes), 'content-type': 'application/octet-stream' }
        const options = { method, headers: { ...headers, ...more, ...length }, agent: false as const, signal, ...tls }
        let answered = false
        const asked = send(`${url.href}hub/probe/${path}`, options, answer => {
          answered = true
          readAnswer(answer, begunAt).then(resolve, reject)
        })
        // Whoever refuses a large body answers and closes while it is being sent.
        asked.on('error', error => setTimeout(() => (answered ? undefined : reject(error)), 200))
        sendBody(asked, bodyBytes ?? 0)
      })
    },
  }
}

function sendBody(asked: ClientRequest, bytes: number): void {
  let left = bytes
  const go = () => {
    while (left > 0) {
      if (asked.destroyed) return
      const chunk = left < CHUNK.length ? CHUNK.subarray(0, left) : CHUNK
      left -= chunk.length
      if (!asked.write(chunk)) return void asked.once('drain', go)
    }
    asked.end()
  }
  go()
}

async function readAnswer(answer: IncomingMessage, begunAt: number): Promise<FrontAnswer> {
  const socket = answer.socket as TLSSocket // or a plain one, which has no certificate
  const from = socket.localAddress?.replace(/^::ffff:/, '') ?? ''
  const told = socket.getPeerCertificate?.()
  const chunks: Buffer[] = []
  let firstByteMs = 0
  for await (const chunk of answer) {
    if (chunks.length === 0) firstByteMs = performance.now() - begunAt
    chunks.push(chunk as Buffer)
  }
  return {
    status: answer.statusCode ?? 0,
    headers: answer.headers,
    body: Buffer.concat(chunks),
    firstByteMs,
    lastByteMs: performance.now() - begunAt,
    from,
    certificate: told?.valid_to ? { notAfter: new Date(told.valid_to) } : undefined,
  }
}
