/**
 * Header fields on their way through: which stay behind (RFC 9110 7.6.1), which are added, and how the body is framed.
 * Fields travel as Node's flat arrays `[name, value, name, value...]`, which keeps their case, order and repetitions.
 */
import type { IncomingMessage } from 'node:http'
import type { TLSSocket } from 'node:tls'
import type { UpstreamTarget } from './upstream-target.ts'

export interface HeaderSettings {
  readonly xForward: boolean
  readonly changeOrigin: boolean
  readonly customHeaders: Readonly<Record<string, string>>
}

/** Fields that speak to the next hop only. `Trailer` is handled with the framing. */
const HOP_BY_HOP = new Set([
  'connection',
  'keep-alive',
  'proxy-connection',
  'te',
  'transfer-encoding',
  'upgrade',
  'http2-settings',
])

/** A client must not be able to take these away by naming them in `Connection`. */
const NEVER_NOMINATED = new Set(['host', 'content-length', 'transfer-encoding', 'trailer', 'expect'])

const BODILESS_METHODS = new Set(['GET', 'HEAD', 'DELETE', 'OPTIONS', 'TRACE'])

export function hasBody(req: IncomingMessage): boolean {
  return req.headers['transfer-encoding'] !== undefined || Number(req.headers['content-length'] ?? 0) > 0
}

/**
 * What is sent upstream. With `upgrade` the two fields that ask for it are kept.
 * @param authority replaces `Host` when the request named its host in the request line (RFC 9112 3.2.2)
 */
export function requestHeaders(
  req: IncomingMessage,
  upstream: UpstreamTarget,
  settings: HeaderSettings,
  how: { upgrade: boolean; authority: string | undefined },
): string[] {
  const left = nominatedFields(req.headers.connection)
  for (const name in settings.customHeaders) left.add(name.toLowerCase())
  const added = settings.xForward ? forwardedFields(req, how.upgrade, how.authority ?? req.headers.host) : []
  for (let i = 0; i < added.length; i += 2) left.add(added[i]!.toLowerCase())
  const chunked = req.headers['transfer-encoding'] !== undefined

  const host = settings.changeOrigin ? upstream.host : (how.authority ?? req.headers.host ?? upstream.host)
  const sent: string[] = left.has('host') ? [] : ['Host', host]
  const raw = req.rawHeaders
  for (let i = 0; i < raw.length; i += 2) {
    const name = raw[i]!
    const lower = name.toLowerCase()
    if (lower === 'host' || HOP_BY_HOP.has(lower) || left.has(lower)) continue
    if (lower === 'trailer' && !chunked) continue
    sent.push(name, raw[i + 1]!)
  }
  sent.push(...added)
  for (const [name, value] of Object.entries(settings.customHeaders)) sent.push(name, value)

  if (how.upgrade) sent.push('Connection', 'Upgrade', 'Upgrade', req.headers.upgrade ?? '')
  else if (chunked) sent.push('Transfer-Encoding', 'chunked')
  else if (req.headers['content-length'] === undefined && !BODILESS_METHODS.has(req.method ?? '')) {
    sent.push('Content-Length', '0') // otherwise Node would announce an empty chunked body
  }
  if (!how.upgrade && /(?:^|,)\s*trailers\s*(?:$|,|;)/i.test(String(req.headers.te ?? ''))) {
    sent.push('TE', 'trailers')
  }
  return sent
}

/** What of an upstream's response goes on to the client; Node frames the body anew. */
export function responseHeaders(upstreamRes: IncomingMessage, req: IncomingMessage): string[] {
  const left = nominatedFields(upstreamRes.headers.connection)
  const status = upstreamRes.statusCode ?? 0
  const bodiless = req.method === 'HEAD' || status === 204 || status === 304
  const keepTrailer = !bodiless && upstreamRes.headers['transfer-encoding'] !== undefined && req.httpVersion !== '1.0'
  const sent: string[] = []
  const raw = upstreamRes.rawHeaders
  for (let i = 0; i < raw.length; i += 2) {
    const name = raw[i]!
    const lower = name.toLowerCase()
    if (HOP_BY_HOP.has(lower) || left.has(lower)) continue
    if (lower === 'trailer' && !keepTrailer) continue
    sent.push(name, raw[i + 1]!)
  }
  return sent
}

export function isEncrypted(req: IncomingMessage): boolean {
  return (req.socket as Partial<TLSSocket>).encrypted === true // plain sockets lack the member
}

function nominatedFields(connection: string | undefined): Set<string> {
  const names = new Set<string>()
  if (connection === undefined || connection === 'keep-alive' || connection === 'close') return names
  for (const part of connection.split(',')) {
    const name = part.trim().toLowerCase()
    if (name !== '' && !NEVER_NOMINATED.has(name)) names.add(name)
  }
  return names
}

/**
 * configurable-http-proxy appends to what arrived, separated by a bare comma, and calls the protocol of an upgrade
 * `ws` or `wss`; the host that the first proxy saw stays. An IPv4 client on a dual-stack socket is written as IPv4.
 */
function forwardedFields(req: IncomingMessage, upgrade: boolean, host: string | undefined): string[] {
  const encrypted = isEncrypted(req)
  const fields: string[] = []
  const append = (name: string, lower: string, value: string | undefined) => {
    const before = req.headers[lower] as string | undefined // Node joins repetitions of unknown fields
    const all = [before, value].filter(part => part !== undefined && part !== '').join(',')
    if (all !== '') fields.push(name, all)
  }
  append('X-Forwarded-For', 'x-forwarded-for', req.socket.remoteAddress?.replace(/^::ffff:(?=\d+\.)/, ''))
  append('X-Forwarded-Port', 'x-forwarded-port', /:(\d+)$/.exec(host ?? '')?.[1] ?? (encrypted ? '443' : '80'))
  append('X-Forwarded-Proto', 'x-forwarded-proto', (upgrade ? 'ws' : 'http') + (encrypted ? 's' : ''))
  const forwardedHost = (req.headers['x-forwarded-host'] as string | undefined) || host
  if (forwardedHost) fields.push('X-Forwarded-Host', forwardedHost)
  return fields
}
