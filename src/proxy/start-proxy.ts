/**
 * Builds a proxy from its options: routes first, from the snapshot or from the proxy that it takes the place of, then the
 * public port, so that whoever gets a connection gets an answer, then the API.
 */
import { once } from 'node:events'
import { setTimeout as sleep } from 'node:timers/promises'
import { HubError } from '../core/errors.ts'
import { noMetrics, type ProxyMetrics } from './proxy-metrics.ts'
import type { ProxyOptions, RunningProxy } from './proxy-options.ts'
import { keepSnapshot, loadSnapshot, type RouteSnapshot } from './route-snapshot.ts'
import { createRouteTable, type RouteTable } from './route-table.ts'
import { type Control, startControl } from './start-control.ts'
import { type Forwarder, startForwarder } from './start-forwarder.ts'
import { readCertificateReport } from './tls/certificate-report.ts'
import type { CertificateSettings } from './tls/public-tls.ts'
import { parseUpstreamTarget } from './upstream-target.ts'
import { followTable } from './workers/follow-table.ts'
import { type Link, nextMessage } from './workers/link.ts'
import { type Publication, publishTable } from './workers/publish-table.ts'

export type { ProxyOptions, RunningProxy } from './proxy-options.ts'

/** Running API requests may take so long when another process takes over. */
const API_GRACE_MS = 2000
const READY_WITHIN_MS = 60_000
const DRAIN_TIMEOUT_MS = 24 * 3600_000

/**
 * With `predecessor` it takes the place of the proxy at the other end: both answer on the public socket for a moment,
 * then this one has the API, too, and the other one lets its connections end.
 *
 * Throws HubError `port_taken`, `address_unusable`, `snapshot_unreadable`, `proxy_options_invalid`,
 * `certificate_unusable`; nothing is left open then.
 */
export async function startProxy(options: ProxyOptions, predecessor?: Link): Promise<RunningProxy> {
  const { log, snapshotFile, certificate } = options
  checkTarget('defaultTarget', options.defaultTarget)
  checkTarget('errorTarget', options.errorTarget)
  const routes = createRouteTable({ hostRouting: options.hostRouting ?? false })
  // Loaded when asked for: most proxies start without it.
  const exposed = options.metrics
    ? (await import('./prometheus-metrics.ts')).createProxyMetrics({
        maxRoutes: options.metricsRoutes,
        certificateEnd: certificate && (() => certificateEnd(certificate)),
      })
    : undefined
  const metrics = exposed ?? noMetrics
  const following = predecessor && followTable(routes, predecessor)
  if (predecessor) predecessor.send({ kind: 'join' })
  else await loadRoutes(options, routes)
  await following?.complete

  let snapshot: RouteSnapshot | undefined
  const openControl = () =>
    startControl(options, {
      routes,
      metrics,
      exposed,
      opened() {
        if (snapshotFile !== undefined) snapshot = keepSnapshot(snapshotFile, routes, log)
      },
      committed: () => bothOf(snapshot?.committed(), forwarder.confirmed?.()),
      gatherActivity: () => forwarder.gatherActivity?.(),
      gatherMetrics: () => forwarder.gatherMetrics?.(),
    })
  const closeControl = async (graceMs: number) => {
    await control.close(graceMs)
    await snapshot?.close()
  }
  const forwarder = await startForwarding(options, routes, metrics)
  let control: Control
  try {
    if (predecessor) await takeLead(predecessor)
    following?.end()
    control = await openControl()
  } catch (error) {
    await forwarder.close(0)
    await snapshot?.close()
    throw error
  }
  if (predecessor) {
    // What it still forwards goes by this table, and its activity counts.
    publishTable(routes, predecessor)
    predecessor.send({ kind: 'leading' })
  }

  let closed: Promise<void> | undefined
  const close = async (graceMs: number): Promise<void> => {
    await Promise.all([control.close(graceMs), forwarder.close(graceMs)])
    await snapshot?.close()
  }
  const handOver = async (successor: Link): Promise<void> => {
    await untilReady(routes, successor, async publication => {
      await closeControl(API_GRACE_MS)
      await publication.confirmed()
    })
    const led = followTable(routes, successor)
    successor.send({ kind: 'lead' })
    try {
      await nextMessage(successor, 'leading', AbortSignal.timeout(READY_WITHIN_MS))
    } catch (error) {
      led.end()
      control = await openControl()
      throw error
    }
    log.info(
      { connections: await forwarder.connections() },
      'successor has taken over, connections go on until they end',
    )
    await Promise.race([retired(), sleep(options.drainTimeoutMs ?? DRAIN_TIMEOUT_MS, undefined, { ref: false })])
    led.tellActivity()
    closed ??= close(0)
    await closed
  }
  /** One that this proxy has itself taken the place of, and that still forwards, tells its activity through this one. */
  const retired = async () => {
    await forwarder.retire()
    if (predecessor && !predecessor.gone.aborted) await once(predecessor.gone, 'abort')
  }
  return {
    publicAddress: forwarder.publicAddress,
    redirectAddress: forwarder.redirectAddress,
    reloadCertificate: forwarder.reloadCertificate,
    apiAddress: control.apiAddress,
    metricsAddress: control.metricsAddress,
    handOver,
    close({ graceMs = 0 } = {}) {
      closed ??= close(graceMs)
      return closed
    },
  }
}

async function startForwarding(options: ProxyOptions, routes: RouteTable, metrics: ProxyMetrics): Promise<Forwarder> {
  if ((options.workers ?? 1) === 1) return startForwarder(options, { routes, metrics })
  const { startWorkerPool } = await import('./workers/worker-pool.ts')
  return startWorkerPool(options, routes)
}

function bothOf(a: Promise<void> | undefined, b: Promise<void> | undefined): Promise<void> | undefined {
  return a && b ? Promise.all([a, b]).then(() => {}) : (a ?? b)
}

async function loadRoutes({ snapshotFile, defaultTarget, log }: ProxyOptions, routes: RouteTable): Promise<void> {
  if (snapshotFile !== undefined) {
    const count = await loadSnapshot(snapshotFile, routes, log)
    log.info({ file: snapshotFile, routes: count }, 'route snapshot loaded')
  }
  if (defaultTarget !== undefined) routes.set('/', { target: defaultTarget }, Date.now())
}

async function takeLead(predecessor: Link): Promise<void> {
  predecessor.send({ kind: 'ready' })
  await nextMessage(predecessor, 'lead')
}

/** Resolves when the successor routes by this table and `last` has been done, which is told to it, too. */
async function untilReady(
  routes: RouteTable,
  successor: Link,
  last: (publication: Publication) => Promise<void>,
): Promise<void> {
  const patience = AbortSignal.timeout(READY_WITHIN_MS)
  await nextMessage(successor, 'join', patience)
  const publication = publishTable(routes, successor)
  try {
    await nextMessage(successor, 'ready', patience)
    await last(publication)
  } finally {
    publication.end()
  }
}

async function certificateEnd(settings: CertificateSettings): Promise<number | undefined> {
  const { not_after: end } = await readCertificateReport(settings)
  return end === null ? undefined : Date.parse(end)
}

function checkTarget(option: string, target: string | undefined): void {
  if (target === undefined || parseUpstreamTarget(target)) return
  throw new HubError('proxy_options_invalid', {
    status: 400,
    message: `${option}: expected an http, https or http+unix URL, got "${target}".`,
  })
}
