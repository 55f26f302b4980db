/**
 * The side that browsers see: the public port, the one that redirects to it, and the connections on both. Its routes
 * come from outside: from the REST API of the same process, or from another process that has the table.
 */
import type { Server as HttpServer } from 'node:http'
import type { Server as NetServer } from 'node:net'
import { setTimeout as sleep } from 'node:timers/promises'
import type { Server as TlsServer } from 'node:tls'
import { createErrorPages } from './error-pages.ts'
import type { ForwardContext, ForwardSettings } from './forward-context.ts'
import { closeServer, countConnections } from './http-servers.ts'
import { createUpstreamPool } from './http1/upstream-pool.ts'
import { type BoundAddress, type ListenAddress, listen } from './listen.ts'
import type { CollectedMetrics, ProxyMetrics } from './proxy-metrics.ts'
import type { ProxyOptions } from './proxy-options.ts'
import { createPublicServer, type PublicServer } from './public-server.ts'
import { createRedirectServer } from './redirect-server.ts'
import { prepareFields } from './request-fields.ts'
import type { RouteTable } from './route-table.ts'
import { createSweeper } from './sweeper.ts'
import { certificateFromFiles } from './tls/certificate-files.ts'
import { openPublicTls } from './tls/public-tls.ts'
import { createUpstreamConnections } from './upstream-connections.ts'

export interface Forwarder {
  readonly publicAddress: BoundAddress
  readonly redirectAddress: BoundAddress | undefined
  /** Resolves when every process that forwards goes by the table as it is now; absent where this one alone does. */
  readonly confirmed?: () => Promise<void> | undefined
  /** Brings the activity in the table up to date. */
  readonly gatherActivity?: () => Promise<void>
  /** What the processes that forward have counted. */
  readonly gatherMetrics?: () => Promise<CollectedMetrics[]>
  /** Looks for a new certificate now, though the files are watched too. */
  reloadCertificate(): Promise<void>
  /** How many are open, WebSockets among them. */
  connections(): Promise<number>
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
const HEAD_TIMEOUT_MS = 60_000
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
  const settings = settingsFrom(options)
  const sweeper = createSweeper([
    settings.timeoutMs,
    settings.proxyTimeoutMs,
    settings.halfClosedIdleMs,
    settings.keepAliveTimeoutMs,
    settings.headTimeoutMs,
  ])
  const context: ForwardContext = {
    ...parts,
    settings,
    fields: prepareFields(settings),
    pool: createUpstreamPool({ insecure: options.insecure ?? false, tls: options.upstreamTls, sweeper }),
    sweeper,
    errors: createErrorPages({ errorTarget: options.errorTarget, errorPath: options.errorPath, upstreams, log }),
    log,
    tunnels: new Set(),
  }
  const stopListening = parts.routes.onChange(change => {
    if (change.kind === 'delete') parts.metrics.forgetRoute(change.path)
  })
  const { upstreamTlsFiles } = options
  const renewed =
    upstreamTlsFiles &&
    certificateFromFiles(
      upstreamTlsFiles,
      () => {
        context.pool.renewTls(renewed!.context)
        upstreams.renewTls(renewed!.context)
      },
      log,
    )
  const closeUpstreams = async () => {
    stopListening()
    await renewed?.close()
    context.pool.close()
    upstreams.close()
    sweeper.close()
  }
  const { certificate, http2 = true } = options
  const protocols = http2 ? ['h2', 'http/1.1'] : ['http/1.1']
  const publicTls = certificate && (await openPublicTls(certificate, protocols, options.tls ?? {}, log))
  const tls = publicTls?.serverOptions ?? options.tls
  // Loaded when needed: without TLS no browser speaks it.
  const { Http2Connection } = publicTls && http2 ? await import('./http2/http2-connection.ts') : {}
  const publicServer = createPublicServer(tls, context, Http2Connection)
  const { server } = publicServer
  publicTls?.attach(server as TlsServer) // made with its options
  let redirectServer: HttpServer | undefined
  try {
    const publicAddress = await listen(server, options.listen, tls ? 'https' : 'http')
    const { redirect } = options
    redirectServer =
      redirect &&
      createRedirectServer({
        toPort: () => redirect.toPort ?? publicAddress.port,
        findChallenge: async token => publicTls?.findHttpChallenge(token),
      })
    const redirectAddress = redirectServer && (await listen(redirectServer, redirectListen(options), 'http'))
    publicTls?.begin()
    const ended = async () => {
      await publicTls?.close()
      redirectServer?.closeAllConnections()
      publicServer.destroyConnections()
      await closeUpstreams()
    }
    return {
      publicAddress,
      redirectAddress,
      reloadCertificate: async () => publicTls?.reload(),
      connections: () => countConnections(server),
      async retire() {
        redirectServer?.close()
        publicServer.retire()
        while ((await countConnections(server)) > 0) await sleep(RETIRE_POLL_MS)
        await ended()
      },
      async close(graceMs) {
        const closing = Promise.all([server, redirectServer].map(closeIfListening))
        await drain(publicServer, graceMs)
        await ended()
        await closing
      },
    }
  } catch (error) {
    await Promise.all([server, redirectServer].map(closeIfListening))
    await closeUpstreams()
    await publicTls?.close()
    throw error
  }
}

/** The redirecting port is on the same interfaces as the public one. */
export function redirectListen({ listen: address, redirect }: ProxyOptions): ListenAddress {
  if (redirect!.listen) return redirect!.listen
  return { host: 'host' in address ? address.host : undefined, port: redirect!.port }
}

function settingsFrom(options: ProxyOptions): ForwardSettings {
  return {
    hostRouting: options.hostRouting ?? false,
    prependPath: options.prependPath ?? true,
    includePrefix: options.includePrefix ?? true,
    xForward: options.xForward ?? true,
    autoRewrite: options.autoRewrite ?? false,
    changeOrigin: options.changeOrigin ?? false,
    protocolRewrite: options.protocolRewrite,
    customHeaders: options.customHeaders ?? {},
    hstsLine: options.hstsSeconds ? `Strict-Transport-Security: max-age=${options.hstsSeconds}\r\n` : '',
    timeoutMs: options.timeoutMs ?? 0,
    proxyTimeoutMs: options.proxyTimeoutMs ?? 0,
    halfClosedIdleMs: options.halfClosedIdleMs ?? HALF_CLOSED_IDLE_MS,
    keepAliveTimeoutMs: options.keepAliveTimeoutMs ?? KEEP_ALIVE_TIMEOUT_MS,
    headTimeoutMs: options.headTimeoutMs ?? HEAD_TIMEOUT_MS,
  }
}

/** Waits until no request is running, at most `graceMs`. Upgraded connections are not waited for: they never end. */
async function drain(publicServer: PublicServer, graceMs: number): Promise<void> {
  const end = Date.now() + graceMs
  publicServer.retire()
  publicServer.closeIdleConnections()
  while (Date.now() < end && publicServer.busyConnections > 0) {
    await sleep(DRAIN_POLL_MS)
    publicServer.closeIdleConnections()
  }
}

async function closeIfListening(server: NetServer | undefined): Promise<void> {
  if (server?.listening) await closeServer(server)
}
