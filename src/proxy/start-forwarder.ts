/**
 * The side that browsers see: the public port, the one that redirects to it, and the connections on both. Its routes
 * come from outside: from the REST API of the same process, or from another process that has the table.
 */
import type { RequestListener } from 'node:http'
import { Server as NetServer, type Socket } from 'node:net'
import { setTimeout as sleep } from 'node:timers/promises'
import type { TlsOptions, Server as TlsServer } from 'node:tls'
import { createErrorResponder } from './error-response.ts'
import { type ForwardContext, loggedPath } from './forward-context.ts'
import { forwardRequest } from './forward-request.ts'
import { forwardUpgrade, isUpgrade } from './forward-upgrade.ts'
import { closeServer, countConnections, createServer, type HttpServer } from './http-servers.ts'
import { type BoundAddress, type ListenAddress, listen } from './listen.ts'
import type { ProxyMetrics } from './proxy-metrics.ts'
import type { ProxyOptions } from './proxy-options.ts'
import { createRedirectServer } from './redirect-server.ts'
import type { RouteTable } from './route-table.ts'
import { openPublicTls } from './tls/public-tls.ts'
import { createUpstreamConnections, MAX_HEADER_BYTES } from './upstream-connections.ts'

export interface Forwarder {
  readonly publicAddress: BoundAddress
  readonly redirectAddress: BoundAddress | undefined
  /** Looks for a new certificate now, though the files are watched too. */
  reloadCertificate(): Promise<void>
  /**
   * Takes no new connection and lets each that is open end by itself: with the response to its next request, when it
   * has been idle for its time, or when its WebSocket ends. None is closed under a request that is just being sent.
   * Resolves when the last one has ended.
   */
  retire(): Promise<void>
  /** Stops listening at once, lets running requests finish for `graceMs`, then ends what is left. */
  close(graceMs: number): Promise<void>
}

const HALF_CLOSED_IDLE_MS = 60_000
const KEEP_ALIVE_TIMEOUT_MS = 5000
const DRAIN_POLL_MS = 25
/** Retiring takes from seconds to hours. */
const RETIRE_POLL_MS = 200

/** Throws HubError `port_taken`, `address_unusable`, `certificate_unusable`; nothing is left open then. */
export async function startForwarder(
  options: ProxyOptions,
  parts: { routes: RouteTable; metrics: ProxyMetrics },
): Promise<Forwarder> {
  const { log } = options
  const upstreams = createUpstreamConnections({ insecure: options.insecure ?? false, tls: options.upstreamTls })
  const context: ForwardContext = {
    ...parts,
    upstreams,
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
  const state = { retiring: false }
  const { certificate } = options
  const publicTls = certificate && (await openPublicTls(certificate, ['http/1.1'], options.tls ?? {}, log))
  const tls = publicTls?.serverOptions ?? options.tls
  const publicServer = createPublicServer(options, tls, context, state)
  publicTls?.attach(publicServer as TlsServer) // made with its options
  const opened: HttpServer[] = []
  const open = async (server: HttpServer, address: ListenAddress): Promise<BoundAddress> => {
    const bound = await listen(server, address, server === publicServer && tls ? 'https' : 'http')
    opened.push(server)
    return bound
  }
  try {
    const publicAddress = await open(publicServer, options.listen)
    const { redirect } = options
    const redirectServer =
      redirect &&
      createRedirectServer({
        toPort: () => redirect.toPort ?? publicAddress.port,
        findChallenge: async token => publicTls?.findHttpChallenge(token),
      })
    const redirectAddress = redirectServer && (await open(redirectServer, redirectListen(options)))
    publicTls?.begin()
    const ended = async () => {
      await publicTls?.close()
      for (const server of opened) server.closeAllConnections()
      for (const tunnel of context.tunnels) tunnel.destroy()
      upstreams.close()
    }
    return {
      publicAddress,
      redirectAddress,
      reloadCertificate: async () => publicTls?.reload(),
      async retire() {
        state.retiring = true
        redirectServer?.close()
        // That of http.Server would close idle connections at once, on which a request may be under way.
        NetServer.prototype.close.call(publicServer)
        while ((await countConnections(publicServer)) > 0) await sleep(RETIRE_POLL_MS)
        await ended()
      },
      async close(graceMs) {
        const closing = Promise.all(opened.filter(server => server.listening).map(closeServer))
        await drain(publicServer, context, graceMs)
        await ended()
        await closing
      },
    }
  } catch (error) {
    await Promise.all(opened.map(closeServer))
    upstreams.close()
    await publicTls?.close()
    throw error
  }
}

/** The redirecting port is on the same interfaces as the public one. */
function redirectListen({ listen: address, redirect }: ProxyOptions): ListenAddress {
  if (redirect!.listen) return redirect!.listen
  return { host: 'host' in address ? address.host : undefined, port: redirect!.port }
}

function createPublicServer(
  options: ProxyOptions,
  tls: TlsOptions | undefined,
  context: ForwardContext,
  state: { readonly retiring: boolean },
): HttpServer {
  const forward: RequestListener = (req, res) => {
    if (state.retiring) res.shouldKeepAlive = false
    forwardRequest(context, req, res)
  }
  const server = createServer(
    tls,
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
    forward,
  )
  server.maxHeadersCount = 0 // bounded by maxHeaderSize; Node would drop what is beyond 2000 silently
  server.on('checkContinue', forward) // the upstream decides, not Node
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

/** Waits until no request is running, at most `graceMs`. Upgraded connections are not waited for: they never end. */
async function drain(server: HttpServer, context: ForwardContext, graceMs: number): Promise<void> {
  const end = Date.now() + graceMs
  while (Date.now() < end && (await countConnections(server)) > context.tunnels.size) {
    server.closeIdleConnections()
    await sleep(DRAIN_POLL_MS)
  }
}
