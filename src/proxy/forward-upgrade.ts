/**
 * One upgrade (WebSocket or any other protocol, RFC 9110 7.8) through the proxy. Accepted by the upstream, it becomes a
 * splice of two sockets; refused or unanswered, the client gets a normal HTTP response, body and all.
 */
import { type IncomingMessage, ServerResponse } from 'node:http'
import type { Socket } from 'node:net'
import { pipeline } from 'node:stream'
import { type ForwardContext, loggedPath, touchRoute } from './forward-context.ts'
import { hasBody, requestHeaders, responseHeaders } from './header-fields.ts'
import { matchRoute } from './match-route.ts'
import { findRequestFault } from './request-fault.ts'
import { splice } from './splice.ts'

/**
 * Whether a request that asks for an upgrade is treated as one. Not with a body, whose end would be lost in the
 * splice; and not `h2c`, which clients merely offer and are content to see ignored.
 */
export function isUpgrade(req: IncomingMessage): boolean {
  if (hasBody(req) || findRequestFault(req)) return false
  return !/(?:^|,)\s*h2c?\s*(?:,|$)/i.test(req.headers.upgrade ?? '')
}

export function forwardUpgrade(context: ForwardContext, req: IncomingMessage, client: Socket, head: Buffer): void {
  const { settings, metrics, log } = context
  metrics.countUpgrade()
  client.on('error', () => client.destroy()) // Node takes its own listeners away when it hands the socket over
  context.tunnels.add(client)
  client.once('close', () => context.tunnels.delete(client))

  const fail = (status: number, why: { target?: string; reason?: string }) => {
    metrics.countProxied(status)
    log.warn(
      { status, method: req.method, path: loggedPath(req.url), upgrade: req.headers.upgrade, ...why },
      'upgrade failed at the proxy',
    )
    void context.errors.answer(req, responseOn(client, req), status)
  }
  const endSearch = metrics.timeFindTarget()
  const match = matchRoute(req, context.routes, settings)
  endSearch()
  if (match.kind === 'malformed') return void fail(400, { reason: 'malformed path' })
  if (match.kind === 'none') return void fail(404, { reason: 'no route' })

  const { route, path, authority } = match
  const headers = requestHeaders(req, route.upstream, settings, { upgrade: true, authority })
  const upstreamReq = context.upstreams.request(route.upstream, {
    method: req.method ?? 'GET',
    path,
    headers,
    upgrade: true,
  })
  const early = collectEarlyBytes(client, head)
  const giveUp = () => upstreamReq.destroy()
  client.once('end', giveUp)
  client.once('close', giveUp)

  let settled = false
  const settle = (): boolean => {
    if (settled) return false
    settled = true
    clearTimeout(timer)
    client.off('end', giveUp)
    return true
  }
  const timer = setTimeout(
    () => {
      if (settle())
        fail(504, { target: route.upstream.href, reason: `no response within ${settings.proxyTimeoutMs} ms` })
      upstreamReq.destroy()
    },
    settings.proxyTimeoutMs > 0 ? settings.proxyTimeoutMs : HANDSHAKE_TIMEOUT_MS,
  )

  upstreamReq.once('upgrade', (upstreamRes, socket, upstreamHead) => {
    const upstream = socket as Socket // an agent of node:http makes nothing else
    upstream.on('error', () => upstream.destroy())
    if (!settle() || client.destroyed) return void upstream.destroy()
    client.off('close', giveUp)
    metrics.countProxied(101)
    client.write(switchingHead(upstreamRes), 'latin1')
    if (upstreamHead.length > 0) client.write(upstreamHead)
    const bytes = early.stop()
    if (bytes.length > 0) {
      upstream.write(bytes)
      touchRoute(context, route)
    }
    splice(client, upstream, {
      halfClosedIdleMs: settings.halfClosedIdleMs,
      onClientData: () => touchRoute(context, route),
    })
  })
  upstreamReq.once('response', upstreamRes => {
    if (!settle()) return void upstreamRes.resume()
    early.stop()
    metrics.countProxied(upstreamRes.statusCode ?? 502)
    log.info({ status: upstreamRes.statusCode, path: loggedPath(req.url) }, 'upgrade refused by the upstream')
    const res = responseOn(client, req)
    res.writeHead(upstreamRes.statusCode ?? 502, upstreamRes.statusMessage, responseHeaders(upstreamRes, req))
    pipeline(upstreamRes, res, error => error && upstreamReq.destroy())
  })
  let failure: NodeJS.ErrnoException | undefined
  upstreamReq.on('error', error => {
    failure ??= error
  })
  upstreamReq.once('close', () => {
    if (!settle() || client.destroyed) return
    early.stop()
    fail(503, { target: route.upstream.href, reason: failure?.code ?? 'the upstream closed the connection' })
  })
  upstreamReq.end()
}

/** An upstream that takes the connection and never says anything must not hold the client's socket for ever. */
const HANDSHAKE_TIMEOUT_MS = 60_000
const MAX_EARLY_BYTES = 64 * 1024

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
  const res = new ServerResponse(req)
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
