/**
 * Builds a proxy from its options and runs it in this process: routes from the snapshot first, then the API, then the
 * public port, so that whoever gets a connection gets an answer.
 */
import { HubError } from '../core/errors.ts'
import { noMetrics } from './proxy-metrics.ts'
import type { ProxyOptions, RunningProxy } from './proxy-options.ts'
import { keepSnapshot, loadSnapshot, type RouteSnapshot } from './route-snapshot.ts'
import { createRouteTable } from './route-table.ts'
import { type Control, startControl } from './start-control.ts'
import { startForwarder } from './start-forwarder.ts'
import { parseUpstreamTarget } from './upstream-target.ts'

export type { ProxyOptions, RunningProxy } from './proxy-options.ts'

/**
 * Throws HubError `port_taken`, `address_unusable`, `snapshot_unreadable`, `proxy_options_invalid`,
 * `certificate_unusable`; nothing is left open then.
 */
export async function startProxy(options: ProxyOptions): Promise<RunningProxy> {
  const { log, snapshotFile } = options
  checkTarget('defaultTarget', options.defaultTarget)
  checkTarget('errorTarget', options.errorTarget)
  const routes = createRouteTable({ hostRouting: options.hostRouting ?? false })
  // Loaded when asked for: most proxies start without it.
  const exposed = options.metrics ? (await import('./prometheus-metrics.ts')).createProxyMetrics() : undefined
  const metrics = exposed ?? noMetrics
  if (snapshotFile !== undefined) {
    const count = await loadSnapshot(snapshotFile, routes, log)
    log.info({ file: snapshotFile, routes: count }, 'route snapshot loaded')
  }
  if (options.defaultTarget !== undefined) routes.set('/', { target: options.defaultTarget }, Date.now())

  let snapshot: RouteSnapshot | undefined
  let control: Control | undefined
  try {
    control = await startControl(options, {
      routes,
      metrics,
      exposed,
      opened() {
        if (snapshotFile !== undefined) snapshot = keepSnapshot(snapshotFile, routes, log)
      },
      committed: () => snapshot?.committed(),
    })
    const forwarder = await startForwarder(options, { routes, metrics })
    const { apiAddress, metricsAddress, close: closeControl } = control
    let closed: Promise<void> | undefined
    const stop = async (graceMs: number): Promise<void> => {
      await Promise.all([closeControl(graceMs), forwarder.close(graceMs)])
      await snapshot?.close()
    }
    return {
      publicAddress: forwarder.publicAddress,
      redirectAddress: forwarder.redirectAddress,
      reloadCertificate: forwarder.reloadCertificate,
      apiAddress,
      metricsAddress,
      close({ graceMs = 0 } = {}) {
        closed ??= stop(graceMs)
        return closed
      },
    }
  } catch (error) {
    await control?.close(0)
    await snapshot?.close()
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
