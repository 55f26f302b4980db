/** The side that the hub and monitoring see: the REST API of the routes, and the metrics. */
import type { Server as TlsServer } from 'node:tls'
import { http } from '../http/node-http.ts'
import { closeServer, createServer, type HttpServer } from './http-servers.ts'
import { type BoundAddress, type ListenAddress, listen } from './listen.ts'
import type { CollectedMetrics, ExposedMetrics, ProxyMetrics } from './proxy-metrics.ts'
import type { ProxyOptions } from './proxy-options.ts'
import type { RouteTable } from './route-table.ts'
import { createRoutesApi } from './routes-api.ts'
import { certificateFromFiles } from './tls/certificate-files.ts'
import { readCertificateReport } from './tls/certificate-report.ts'

export interface Control {
  readonly apiAddress: BoundAddress
  readonly metricsAddress: BoundAddress | undefined
  /** Stops listening at once and ends idle connections; requests that are being answered get `graceMs`. */
  close(graceMs: number): Promise<void>
}

/** Throws HubError `port_taken`, `address_unusable`; nothing is left open then. */
export async function startControl(
  options: ProxyOptions,
  parts: {
    routes: RouteTable
    metrics: ProxyMetrics
    exposed: ExposedMetrics | undefined
    /** Called once the API's address is ours and before its first request. */
    opened(): void
    /** Resolves when the changes made so far are where an answer promises them to be. */
    committed(): Promise<void> | undefined
    /** Brings `lastActivityMs` of the routes up to date. */
    gatherActivity(): Promise<void> | undefined
    /** What other processes have counted. */
    gatherMetrics(): Promise<CollectedMetrics[]> | undefined
  },
): Promise<Control> {
  const { routes, metrics, exposed, committed, gatherActivity } = parts
  const { certificate } = options
  const api = createRoutesApi({
    routes,
    token: options.authToken,
    metrics,
    committed,
    gatherActivity,
    certificate: certificate && (() => readCertificateReport(certificate)),
    log: options.log,
  })
  const apiServer = createServer(options.apiTls, {}, (req, res) => void api.handle(req, res))
  const { apiTls, apiTlsFiles, log } = options
  const renewed =
    apiTls &&
    apiTlsFiles &&
    certificateFromFiles(
      apiTlsFiles,
      () => {
        const { key, cert, ca } = renewed!.context
        ;(apiServer as TlsServer).setSecureContext({ ...apiTls, key, cert, ca }) // with `apiTls` it is one
      },
      log,
    )
  const servers: HttpServer[] = []
  const open = async (server: HttpServer, address: ListenAddress): Promise<BoundAddress> => {
    const bound = await listen(server, address, server === apiServer && options.apiTls ? 'https' : 'http')
    servers.push(server)
    return bound
  }
  try {
    const apiAddress = await open(apiServer, options.api)
    parts.opened()
    const metricsAddress = exposed && (await open(createMetricsServer(exposed, parts.gatherMetrics), options.metrics!))
    return {
      apiAddress,
      metricsAddress,
      async close(graceMs) {
        const closing = Promise.all(servers.map(closeServer))
        const timer = setTimeout(() => servers.forEach(server => void server.closeAllConnections()), graceMs)
        await closing
        clearTimeout(timer)
        await renewed?.close()
      },
    }
  } catch (error) {
    await Promise.all(servers.map(closeServer))
    await renewed?.close()
    throw error
  }
}

function createMetricsServer(
  metrics: ExposedMetrics,
  gather: () => Promise<CollectedMetrics[]> | undefined,
): HttpServer {
  return http.createServer(async (req, res) => {
    req.resume()
    if (req.url !== '/metrics') return void res.writeHead(404).end('Not Found')
    const text = await metrics.render(await gather())
    res.writeHead(200, { 'Content-Type': metrics.contentType }).end(text)
  })
}
