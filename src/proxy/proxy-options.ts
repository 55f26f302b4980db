/** What a proxy is started with; `cli/proxy.ts` makes it from the command line, `orrery start` and tests by hand. */
import type { ServerOptions as TlsServerOptions } from 'node:https'
import type { Logger } from '../core/runtime.ts'
import type { BoundAddress, ListenAddress } from './listen.ts'
import type { CertificateFiles } from './tls/certificate-files.ts'
import type { CertificateSettings } from './tls/public-tls.ts'
import type { UpstreamTls } from './upstream-connections.ts'
import type { Link } from './workers/link.ts'

export interface ProxyOptions {
  /** Where browsers connect. */
  readonly listen: ListenAddress
  /** Where the hub connects to set routes. */
  readonly api: ListenAddress
  readonly metrics?: ListenAddress | undefined
  /** How many routes have figures of their own in the metrics. Default 0: those of their kind alone. */
  readonly metricsRoutes?: number | undefined
  readonly log: Logger

  /** The public side speaks HTTPS with a certificate from there. */
  readonly certificate?: CertificateSettings | undefined
  /** Ciphers, versions, certificates of clients, where they shall not be the defaults; HTTPS with its own key and certificate. */
  readonly tls?: TlsServerOptions | undefined
  /** Offer HTTP/2 with `certificate`. Default true. */
  readonly http2?: boolean | undefined
  /** Seconds for which browsers shall come by HTTPS alone (RFC 6797), told over HTTPS; 0, the default, says nothing. */
  readonly hstsSeconds?: number | undefined
  readonly apiTls?: TlsServerOptions | undefined
  readonly upstreamTls?: UpstreamTls | undefined
  /** Where key, certificate and authorities of the two come from: read again when they change, without a restart. */
  readonly apiTlsFiles?: CertificateFiles | undefined
  readonly upstreamTlsFiles?: CertificateFiles | undefined
  /** Do not verify certificates of `https://` upstreams. */
  readonly insecure?: boolean
  /** Port whose plain HTTP requests are redirected to HTTPS on `toPort` (default: the public port). */
  readonly redirect?: RedirectOptions | undefined

  /** Token of the REST API. */
  readonly authToken?: string | undefined
  /** Target of the route `/` until the API sets another. */
  readonly defaultTarget?: string | undefined
  readonly errorTarget?: string | undefined
  readonly errorPath?: string | undefined
  /** File that keeps the routes over a restart. */
  readonly snapshotFile?: string | undefined

  /** First segment of every route is a host name. Default false. */
  readonly hostRouting?: boolean
  /** Defaults true, as in configurable-http-proxy. */
  readonly prependPath?: boolean
  readonly includePrefix?: boolean
  readonly xForward?: boolean
  /** Defaults false. */
  readonly autoRewrite?: boolean
  readonly changeOrigin?: boolean
  readonly protocolRewrite?: string | undefined
  readonly customHeaders?: Readonly<Record<string, string>>

  /** Milliseconds; see `ForwardSettings`. */
  readonly timeoutMs?: number
  readonly proxyTimeoutMs?: number
  readonly halfClosedIdleMs?: number
  /** Milliseconds an idle client connection is kept. Default 5000. */
  readonly keepAliveTimeoutMs?: number
  /** Milliseconds a client has for the head of a request. Default 60,000. */
  readonly headTimeoutMs?: number
  /** Processes that forward. Default 1, which is the proxy's own. */
  readonly workers?: number
  /** Milliseconds that open connections may go on after a successor has taken over. Default a day. */
  readonly drainTimeoutMs?: number
}

export interface RedirectOptions {
  readonly port: number
  readonly toPort?: number | undefined
  /** In place of `port`. */
  readonly listen?: ListenAddress | undefined
}

export interface RunningProxy {
  readonly publicAddress: BoundAddress
  readonly apiAddress: BoundAddress
  readonly metricsAddress: BoundAddress | undefined
  readonly redirectAddress: BoundAddress | undefined
  /** Looks for a new certificate now, though the files are watched too. */
  reloadCertificate(): Promise<void>
  /**
   * Gives everything to the proxy at the other end of `successor`, which was started for that, and resolves when the last
   * connection here has ended, or its time is over. Throws when that proxy ends before it has taken over; this one goes on
   * then.
   */
  handOver(successor: Link): Promise<void>
  /**
   * Stops listening at once, lets running requests finish for `graceMs` (default 0), then ends what is left,
   * WebSockets among it, and writes the snapshot. May be called twice.
   */
  close(options?: { graceMs?: number }): Promise<void>
}
