import type { IncomingMessage } from 'node:http'
import type { Socket } from 'node:net'
import type { Duplex } from 'node:stream'
import type { TlsOptions } from 'node:tls'
import fastify, { type FastifyInstance } from 'fastify'
import { HubError } from '../core/errors.ts'
import { collectOperations } from './api-document.ts'
import { isApiPath, pathOf } from './api-path.ts'
import { addBodyParsers } from './body-parsers.ts'
import { trustedHops } from './client-address.ts'
import { createErrorResponder, type RenderErrorPage } from './error-response.ts'
import { collectKnownPaths, type KnownPaths } from './known-paths.ts'
import { newRequestId } from './request-id.ts'
import { addRequestLog, type RequestLogOptions } from './request-log.ts'
import { addSecurityHeaders, type HeaderOptions } from './security-headers.ts'

declare module 'fastify' {
  interface FastifyInstance {
    /** The pages hand over how an error looks as HTML. */
    setErrorPage(render: RenderErrorPage): void
    /** Streams that are open now; `close` ends them. */
    readonly eventStreams: Set<AbortController>
    /** Whole paths that take WebSockets; elsewhere a request for one is answered like any other. */
    readonly upgrades: Map<string, (request: IncomingMessage, socket: Duplex, head: Buffer) => void>
  }
}

export interface HubServerOptions extends HeaderOptions, RequestLogOptions {
  /** Proxies in front of our own, addresses or CIDR ranges, whose `X-Forwarded-*` are believed. */
  trustedDownstreamIps?: readonly string[]
  /** A header of the proxy in front that names the host people typed; believed where `X-Forwarded-Host` is. */
  forwardedHostHeader?: string
  /** Internal TLS: then nobody connects without a certificate. */
  tls?: TlsOptions
  /** Bytes. */
  bodyLimit?: number
  /** How long a client may take to send its whole request. */
  requestTimeoutMs?: number
  /** How long `close` waits for requests that are being answered. */
  drainTimeoutMs?: number
}

const MEGABYTE = 1024 * 1024
/** Tornado's limit; hubs with many cookies need more than Node's 16 KiB. */
const MAX_HEADER_BYTES = 64 * 1024
/** No shorter than what the header limit lets through: a long name is a name nobody has, not an error. */
const MAX_PATH_SEGMENT = MAX_HEADER_BYTES

/**
 * The hub's web server, without routes. Plug-ins declare their paths from `/hub/` on and are registered with
 * `{ prefix: baseUrl without its last slash }`. It is closed by `close()`: no new connections, open requests are
 * answered, event streams end.
 */
export function createHubServer(options: HubServerOptions): FastifyInstance {
  const requestTimeout = options.requestTimeoutMs ?? 60_000
  const upgrades: FastifyInstance['upgrades'] = new Map()
  const upgradeOf = (request: IncomingMessage) => upgrades.get(pathOf(request.url ?? ''))
  const ofServer = {
    shouldUpgradeCallback: (request: IncomingMessage) => upgradeOf(request) !== undefined,
    maxHeaderSize: MAX_HEADER_BYTES,
    headersTimeout: Math.min(20_000, requestTimeout),
    // Node looks for slow requests at this interval only.
    connectionsCheckingInterval: Math.min(5_000, requestTimeout / 2),
  }
  const server = fastify({
    logger: false,
    // Bodies are checked by zod; fastify's own compilers would be loaded for nothing, 3 MB of memory.
    schemaController: { compilersFactory: { buildValidator: noSchemas, buildSerializer: noSchemas } },
    genReqId: newRequestId,
    bodyLimit: options.bodyLimit ?? MEGABYTE,
    trustProxy: trustedHops(options.trustedDownstreamIps ?? []),
    routerOptions: { maxParamLength: MAX_PATH_SEGMENT },
    // JupyterHub answers 405 to HEAD on its pages: a HEAD on /hub/spawn must start nothing. Routes that want it say so.
    exposeHeadRoutes: false,
    rewriteUrl: request => escapeStrayPercents(request.url ?? '/'),
    requestTimeout,
    ...(options.tls ? { https: { ...ofServer, ...options.tls } } : { http: ofServer }),
    keepAliveTimeout: 75_000,
    return503OnClosing: true,
    forceCloseConnections: 'idle',
    clientErrorHandler: (error, socket) => answerBrokenRequest(error as ClientError, socket as Socket),
    frameworkErrors: (error, request, reply) => void respond(error, request as never, reply as never),
  })
  let renderPage: RenderErrorPage | undefined
  const respond = createErrorResponder({ log: options.log, baseUrl: options.baseUrl, renderPage: () => renderPage })
  server.decorate('setErrorPage', (render: RenderErrorPage) => {
    renderPage = render
  })
  server.decorate('upgrades', upgrades)
  server.server.on('upgrade', (request, socket, head) => upgradeOf(request)?.(request, socket, head))
  server.decorate('eventStreams', new Set<AbortController>())
  if (options.forwardedHostHeader) takeHostFrom(server, options.forwardedHostHeader.toLowerCase())
  addRequestLog(server, options)
  addSecurityHeaders(server, options)
  collectOperations(server, options.baseUrl)
  addBodyParsers(server, options.baseUrl)
  server.setErrorHandler(respond)
  answerUnknownPaths(server, collectKnownPaths(server), options.baseUrl)
  drainOnClose(server, options.drainTimeoutMs ?? 10_000)
  return server
}

/** Fastify reads the host from `X-Forwarded-Host`, of peers that may say whose request they forward. */
function takeHostFrom(server: FastifyInstance, header: string): void {
  server.addHook('onRequest', async ({ headers }) => {
    const host = [headers[header] ?? []].flat()[0]
    if (host !== undefined) headers['x-forwarded-host'] = host
  })
}

function noSchemas(): never {
  throw new Error('routes have no fastify schema, their handlers parse with zod')
}

function answerUnknownPaths(server: FastifyInstance, known: KnownPaths, baseUrl: string): void {
  server.setNotFoundHandler(async (request, reply) => {
    const methods = known.methodsOf(pathOf(request.url))
    // A route that knows the method gave the request back: a static file that does not exist.
    if (methods.length === 0 || methods.includes(request.method))
      throw new HubError('not_found', { status: 404, message: 'Not Found' })
    // JupyterHub answers OPTIONS of every API path with an empty 200, for scripts of other origins.
    if (request.method === 'OPTIONS' && isApiPath(request.url, baseUrl)) return reply.type('application/json').send('')
    throw new HubError('method_not_allowed', {
      status: 405,
      message: 'Method Not Allowed',
      headers: { allow: methods.join(', ') },
    })
  })
}

function drainOnClose(server: FastifyInstance, timeoutMs: number): void {
  server.addHook('preClose', async () => {
    for (const stream of server.eventStreams) stream.abort(new Error('the hub is closing'))
    const cut = setTimeout(() => server.server.closeAllConnections(), timeoutMs)
    cut.unref()
    server.server.once('close', () => clearTimeout(cut))
  })
}

/** JupyterHub reads `%zz` as these three characters; a strict decoder would refuse the address. */
function escapeStrayPercents(url: string): string {
  return url.includes('%') ? url.replace(/%(?![0-9a-fA-F]{2})/g, '%25') : url
}

type ClientError = Error & { code?: string }

/** What Node's parser refuses never becomes a request; it gets a short answer instead of a silent end. */
function answerBrokenRequest(error: ClientError, socket: Socket): void {
  if (error.code === 'ECONNRESET' || !socket.writable) {
    socket.destroy()
    return
  }
  const status = BROKEN_REQUESTS[error.code ?? ''] ?? '400 Bad Request'
  const body = JSON.stringify({ status: Number(status.slice(0, 3)), message: status.slice(4) })
  const head = `HTTP/1.1 ${status}\r\nContent-Type: application/json\r\nContent-Length: ${Buffer.byteLength(body)}\r\nConnection: close\r\n\r\n`
  socket.end(head + body)
}

const BROKEN_REQUESTS: Record<string, string | undefined> = {
  HPE_HEADER_OVERFLOW: '431 Request Header Fields Too Large',
  ERR_HTTP_REQUEST_TIMEOUT: '408 Request Timeout',
}
