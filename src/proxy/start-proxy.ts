/**
 * Builds a proxy from its options and runs it: routes from the snapshot first, then the API, then the public port,
 * so that whoever gets a connection gets an answer.
 */
import type { RequestListener, Server, ServerOptions } from 'node:http'
import type { Server as TlsServer, ServerOptions as TlsServerOptions } from 'node:https'
import type { Server as NetServer, Socket } from 'node:net'
import { setTimeout as sleep } from 'node:timers/promises'
import { HubError } from '../core/errors.ts'
import { http, https } from '../http/node-http.ts'
import { createErrorResponder } from './error-response.ts'
import { type ForwardContext, loggedPath } from './forward-context.ts'
import { forwardRequest } from './forward-request.ts'
import { forwardUpgrade, isUpgrade } from './forward-upgrade.ts'
import { type BoundAddress, type ListenAddress, listen } from './listen.ts'
import { type ExposedMetrics, noMetrics } from './proxy-metrics.ts'
import type { ProxyOptions, RunningProxy } from './proxy-options.ts'
import { createRedirectServer } from './redirect-server.ts'
import { keepSnapshot, loadSnapshot } from './route-snapshot.ts'
import { createRouteTable } from './route-table.ts'
import { createRoutesApi } from './routes-api.ts'
import { createUpstreamConnections, MAX_HEADER_BYTES } from './upstream-connections.ts'
import { parseUpstreamTarget } from './upstream-target.ts'

export type { ProxyOptions, RunningProxy } from './proxy-options.ts'

const HALF_CLOSED_IDLE_MS = 60_000
const KEEP_ALIVE_TIMEOUT_MS = 5000
const DRAIN_POLL_MS = 25

/**
 * Throws HubError `port_taken`, `address_unusable`, `snapshot_unreadable`, `proxy_options_invalid`; nothing is left open
 * then.
 */
export async function startProxy(options: ProxyOptions): Promise<RunningProxy> {
  const { log } = options
  checkTarget('defaultTarget', options.defaultTarget)
  checkTarget('errorTarget', options.errorTarget)
  const routes = createRouteTable({ hostRouting: options.hostRouting ?? false })
  const upstreams = createUpstreamConnections({ insecure: options.insecure ?? false, tls: options.upstreamTls })
  // Loaded when asked for: most proxies start without it.
  const exposed = options.metrics ? (await import('./prometheus-metrics.ts')).createProxyMetrics() : undefined
  const metrics = exposed ?? noMetrics
  const context: ForwardContext = {
    routes,
    upstreams,
    metrics,
    log,
    errors: createErrorResponder({ errorTarget: options.errorTarget, errorPath: options.errorPath, upstreams, log }),
    tunnels: new Set(),
    settings: {
      hostRouting: options.hostRouting ?? false,
      prependPath: options.prependPath ?? true,
      includePrefix: options.includePrefix ?? true,
      xForward: options.xForward ?? true,
      autoRewrite: options.autoRewrite ?? false,
      changeOrigin: options.changeOrigin ?? false,
      protocolRewrite: options.protocolRewrite,
      customHeaders: options.customHeaders ?? {},
      timeoutMs: options.timeoutMs ?? 0,
      proxyTimeoutMs: options.proxyTimeoutMs ?? 0,
      halfClosedIdleMs: options.halfClosedIdleMs ?? HALF_CLOSED_IDLE_MS,
    },
  }
  if (options.snapshotFile !== undefined) {
    const count = await loadSnapshot(options.snapshotFile, routes, log)
    log.info({ file: options.snapshotFile, routes: count }, 'route snapshot loaded')
  }
  if (options.defaultTarget !== undefined) routes.set('/', { target: options.defaultTarget }, Date.now())

  const api = createRoutesApi({ routes, token: options.authToken, metrics, log })
  const apiServer = createServer(options.apiTls, {}, (req, res) => void api.handle(req, res))
  const publicServer = createPublicServer(options, context)
  const opened: HttpServer[] = []
  const open = async (server: HttpServer, address: ListenAddress, tls?: object): Promise<BoundAddress> => {
    const bound = await listen(server, address, tls ? 'https' : 'http')
    opened.push(server)
    return bound
  }

  try {
    const apiAddress = await open(apiServer, options.api, options.apiTls)
    const metricsAddress = exposed && (await open(createMetricsServer(exposed), options.metrics!))
    const publicAddress = await open(publicServer, options.listen, options.tls)
    const { redirect } = options
    const redirectAddress =
      redirect &&
      (await open(
        createRedirectServer(() => redirect.toPort ?? publicAddress.port),
        {
          host: 'host' in options.listen ? options.listen.host : undefined,
          port: redirect.port,
        },
      ))
    const snapshot = options.snapshotFile === undefined ? undefined : keepSnapshot(options.snapshotFile, routes, log)

    let closed: Promise<void> | undefined
    const stop = async (graceMs: number): Promise<void> => {
      const ended = opened.map(server => closeServer(server))
      await drain(publicServer, context, graceMs)
      for (const server of opened) server.closeAllConnections()
      for (const tunnel of context.tunnels) tunnel.destroy()
      upstreams.close()
      await Promise.all(ended)
      await snapshot?.close()
    }
    return {
      publicAddress,
      apiAddress,
      metricsAddress,
      redirectAddress,
      close({ graceMs = 0 } = {}) {
        closed ??= stop(graceMs)
        return closed
      },
    }
  } catch (error) {
    await Promise.all(opened.map(server => closeServer(server)))
    upstreams.close()
    throw error
  }
}

function checkTarget(option: string, target: string | undefined): void {
  if (target === undefined || parseUpstreamTarget(target)) return
  throw new HubError('proxy_options_invalid', {
    status: 400,
    message: `${option}: expected an http, https or http+unix URL, got "${target}".`,
  })
}

type HttpServer = Server | TlsServer

function createPublicServer(options: ProxyOptions, context: ForwardContext): HttpServer {
  const server = createServer(
    options.tls,
    {
      keepAlive: true,
      keepAliveInitialDelay: 30_000,
      keepAliveTimeout: options.keepAliveTimeoutMs ?? KEEP_ALIVE_TIMEOUT_MS,
      // Heads must come within a minute (slow loris); bodies may take as long as an upload takes.
      headersTimeout: 60_000,
      requestTimeout: 0,
      maxHeaderSize: MAX_HEADER_BYTES,
      insecureHTTPParser: false,
      requireHostHeader: true,
      noDelay: true,
      shouldUpgradeCallback: isUpgrade,
    },
    (req, res) => forwardRequest(context, req, res),
  )
  server.maxHeadersCount = 0 // bounded by maxHeaderSize; Node would drop what is beyond 2000 silently
  server.on('checkContinue', (req, res) => forwardRequest(context, req, res)) // the upstream decides, not Node
  server.on('upgrade', (req, stream, head) => {
    const socket = stream as Socket // TCP, TLS or a Unix socket
    forwardUpgrade(context, req, socket, head).catch(error => {
      context.log.error({ err: error, path: loggedPath(req.url) }, 'upgrade could not be handled')
      socket.destroy()
    })
  })
  server.on('connect', (_req, socket) => {
    socket.on('error', () => socket.destroy())
    socket.end('HTTP/1.1 405 Method Not Allowed\r\nConnection: close\r\nContent-Length: 0\r\n\r\n')
  })
  return server
}

function createServer(tls: TlsServerOptions | undefined, options: ServerOptions, handler: RequestListener): HttpServer {
  return tls ? https.createServer({ ...options, ...tls }, handler) : http.createServer(options, handler)
}

function createMetricsServer(metrics: ExposedMetrics): HttpServer {
  return http.createServer(async (req, res) => {
    req.resume()
    if (req.url !== '/metrics') return void res.writeHead(404).end('Not Found')
    const text = await metrics.render()
    res.writeHead(200, { 'Content-Type': metrics.contentType }).end(text)
  })
}

/** Waits until no request is running, at most `graceMs`. Upgraded connections are not waited for: they never end. */
async function drain(server: HttpServer, context: ForwardContext, graceMs: number): Promise<void> {
  const end = Date.now() + graceMs
  while (Date.now() < end && (await countConnections(server)) > context.tunnels.size) {
    server.closeIdleConnections()
    await sleep(DRAIN_POLL_MS)
  }
}

function countConnections(server: NetServer): Promise<number> {
  return new Promise(resolve => server.getConnections((_error, count) => resolve(count)))
}

function closeServer(server: NetServer): Promise<void> {
  return new Promise(resolve => server.close(() => resolve()))
}
