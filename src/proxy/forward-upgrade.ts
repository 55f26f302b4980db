/**
 * One upgrade (WebSocket or any other protocol, RFC 9110 7.8) through the proxy. Accepted by the upstream, it becomes a
 * splice of two sockets; refused or unanswered, the client gets a normal HTTP response, body and all.
 */
import type { IncomingMessage, ServerResponse } from 'node:http'
import type { Socket } from 'node:net'
import { pipeline } from 'node:stream'
import { http } from '../http/node-http.ts'
import { type ForwardContext, loggedPath, touchRoute } from './forward-context.ts'
import { hasBody, requestHeaders, responseHeaders } from './header-fields.ts'
import { matchRoute, type RouteMatch } from './match-route.ts'
import { findRequestFault } from './request-fault.ts'
import { splice } from './splice.ts'
import { watchFrames } from './websocket-activity.ts'

/**
 * Whether a request that asks for an upgrade is treated as one. Not with a body, whose end would be lost in the
 * splice; and not `h2c`, which clients merely offer and are content to see ignored.
 */
export function isUpgrade(req: IncomingMessage): boolean {
  if (hasBody(req) || findRequestFault(req)) return false
  return !/(?:^|,)\s*h2c?\s*(?:,|$)/i.test(req.headers.upgrade ?? '')
}

export async function forwardUpgrade(
  context: ForwardContext,
  req: IncomingMessage,
  client: Socket,
  head: Buffer,
): Promise<void> {
  const { settings, metrics, log } = context
  metrics.countUpgrade()
  client.on('error', () => client.destroy()) // Node takes its own listeners away when it hands the socket over
  context.tunnels.add(client)
  client.once('close', () => context.tunnels.delete(client))

  const endSearch = metrics.timeFindTarget()
  const match = matchRoute(req, context.routes, settings)
  endSearch()
  if (match.kind === 'malformed') return fail(context, req, client, 400, { reason: 'malformed path' })
  if (match.kind === 'none') return fail(context, req, client, 404, { reason: 'no route' })

  const { route } = match
  const early = collectEarlyBytes(client, head)
  const answer = await askUpstream(context, req, client, match)
  const bytes = early.stop()
  if (answer.kind === 'left') return void client.destroy()
  if (answer.kind === 'failed') {
    return fail(context, req, client, answer.status, { target: route.upstream.href, reason: answer.reason })
  }
  metrics.countProxied(answer.response.statusCode ?? 502)
  if (answer.kind === 'refused') {
    log.info({ status: answer.response.statusCode, path: loggedPath(req.url) }, 'upgrade refused by the upstream')
    return handOn(answer.response, req, client)
  }
  client.write(switchingHead(answer.response), 'latin1')
  if (answer.head.length > 0) client.write(answer.head)
  const isActivity = /^websocket$/i.test(req.headers.upgrade ?? '') ? watchFrames() : () => true
  const onClientData = (chunk: Buffer) => {
    if (isActivity(chunk)) touchRoute(context, route)
  }
  if (bytes.length > 0) {
    answer.socket.write(bytes)
    onClientData(bytes)
  }
  splice(client, answer.socket, { halfClosedIdleMs: settings.halfClosedIdleMs, onClientData })
}

/**
 * An upstream that takes the connection and never says anything must not hold the client's socket for ever. Servers do
 * keep a kernel's WebSocket waiting until a slow kernel has started.
 */
const HANDSHAKE_TIMEOUT_MS = 5 * 60_000
const MAX_EARLY_BYTES = 64 * 1024

type UpgradeAnswer =
  | { kind: 'accepted'; response: IncomingMessage; socket: Socket; head: Buffer }
  | { kind: 'refused'; response: IncomingMessage }
  | { kind: 'failed'; status: number; reason: string }
  | { kind: 'left' } // the client did not wait

function askUpstream(
  context: ForwardContext,
  req: IncomingMessage,
  client: Socket,
  { route, path, authority }: RouteMatch & { kind: 'found' },
): Promise<UpgradeAnswer> {
  const { settings, upstreams } = context
  const timeoutMs = settings.proxyTimeoutMs > 0 ? settings.proxyTimeoutMs : HANDSHAKE_TIMEOUT_MS
  const headers = requestHeaders(req, route.upstream, settings, { upgrade: true, authority })
  const asked = upstreams.request(route.upstream, { method: req.method ?? 'GET', path, headers, upgrade: true })
  const { promise, resolve } = Promise.withResolvers<UpgradeAnswer>()

  let answered = false
  /** The first answer counts; true if this is it. */
  const answer = (first: UpgradeAnswer): boolean => {
    if (answered) return false
    answered = true
    clearTimeout(timer)
    client.off('end', leave)
    client.off('close', leave)
    resolve(first)
    return true
  }
  const leave = () => {
    answer({ kind: 'left' })
    asked.destroy()
  }
  const timer = setTimeout(() => {
    answer({ kind: 'failed', status: 504, reason: `no answer within ${timeoutMs} ms` })
    asked.destroy()
  }, timeoutMs)

  client.once('end', leave)
  client.once('close', leave)
  asked.once('upgrade', (response, stream, upstreamHead) => {
    const socket = stream as Socket // an agent of node:http makes nothing else
    socket.on('error', () => socket.destroy())
    if (!answer({ kind: 'accepted', response, socket, head: upstreamHead })) socket.destroy()
  })
  asked.once('response', response => {
    if (!answer({ kind: 'refused', response })) response.resume()
  })
  asked.on('error', (error: NodeJS.ErrnoException) => {
    answer({ kind: 'failed', status: 503, reason: error.code ?? error.message })
  })
  asked.once('close', () => answer({ kind: 'failed', status: 503, reason: 'the upstream closed the connection' }))
  asked.end()
  return promise
}

function fail(
  context: ForwardContext,
  req: IncomingMessage,
  client: Socket,
  status: number,
  why: { target?: string; reason: string },
): Promise<void> {
  context.metrics.countProxied(status)
  const fields = { status, method: req.method, path: loggedPath(req.url), upgrade: req.headers.upgrade, ...why }
  if (status === 404) context.log.debug(fields, 'no route')
  else context.log.warn(fields, 'upgrade failed at the proxy')
  return context.errors.answer(req, responseOn(client, req), status)
}

/** The upstream's refusal, as the response it is. */
function handOn(response: IncomingMessage, req: IncomingMessage, client: Socket): void {
  const res = responseOn(client, req)
  res.writeHead(response.statusCode ?? 502, response.statusMessage, responseHeaders(response, req))
  pipeline(response, res, error => {
    if (error) client.destroy()
  })
}

/** Reads on while the upstream decides, in order to notice a client that leaves; keeps what an eager one has sent. */
function collectEarlyBytes(client: Socket, head: Buffer): { stop(): Buffer } {
  const chunks: Buffer[] = [head]
  let bytes = head.length
  const keep = (chunk: Buffer) => {
    chunks.push(chunk)
    bytes += chunk.length
    if (bytes > MAX_EARLY_BYTES) client.pause()
  }
  client.on('data', keep)
  return {
    stop() {
      client.off('data', keep)
      client.pause()
      return Buffer.concat(chunks.splice(0))
    },
  }
}

/** A response on a socket that Node has already let go; the socket is closed after it. */
function responseOn(client: Socket, req: IncomingMessage): ServerResponse {
  const res = new http.ServerResponse(req)
  res.shouldKeepAlive = false
  res.assignSocket(client)
  client.on('drain', () => res.emit('drain')) // the server that would pass it on has taken its listeners away
  client.resume() // what the client still sends is of no use, but its end must be seen
  res.once('finish', () => {
    res.detachSocket(client)
    client.destroySoon()
  })
  return res
}

function switchingHead(upstreamRes: IncomingMessage): string {
  const lines = [`HTTP/1.1 101 ${upstreamRes.statusMessage || 'Switching Protocols'}`]
  const raw = upstreamRes.rawHeaders
  for (let i = 0; i < raw.length; i += 2) lines.push(`${raw[i]}: ${raw[i + 1]}`)
  return `${lines.join('\r\n')}\r\n\r\n`
}
