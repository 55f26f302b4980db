/**
 * A worker of `--workers`: a process that forwards and does nothing else. It accepts on the socket that all of them
 * share, routes by the table that the proxy sends, and ends with the proxy.
 */
import { pino } from 'pino'
import { HubError } from '../../core/errors.ts'
import { logOptions } from '../../core/log-options.ts'
import { noMetrics } from '../proxy-metrics.ts'
import { createRouteTable } from '../route-table.ts'
import { startForwarder } from '../start-forwarder.ts'
import { followTable } from './follow-table.ts'
import { linkTo } from './link.ts'
import type { WorkerOrder } from './worker-pool.ts'

const link = linkTo(process, process.ppid)
link.gone.addEventListener('abort', () => process.exit(0))
// Ctrl-C and `kill` of the whole group are the proxy's to answer.
for (const signal of ['SIGINT', 'SIGTERM', 'SIGUSR2', 'SIGHUP'] as const) process.on(signal, () => {})

const order = new Promise<WorkerOrder>(resolve => {
  process.on('message', value => {
    const message = value as WorkerOrder // our own program at the other end
    if (message.type === 'work') resolve(message)
  })
})
link.send({ kind: 'join' })
const { number, logLevel, options: sent } = await order
const log = pino(logOptions('proxy', logLevel)).child({ worker: number })
process.on('uncaughtException', error => log.error({ err: error }, 'unexpected error'))
process.on('unhandledRejection', error => log.error({ err: error }, 'unexpected rejection'))

const options = { ...sent, log }
const routes = createRouteTable({ hostRouting: options.hostRouting ?? false })
const exposed = options.metrics
  ? (await import('../prometheus-metrics.ts')).createProxyMetrics({ maxRoutes: options.metricsRoutes })
  : undefined
const following = followTable(routes, link)
link.send({ kind: 'ready' })
try {
  await following.complete
  const forwarder = await startForwarder(options, { routes, metrics: exposed ?? noMetrics })
  const end = async (ended: Promise<void>) => {
    await ended
    following.tellActivity()
    process.disconnect?.() // after what was sent, and then the process ends
  }
  link.onMessage(message => {
    if (message.kind === 'retire') void end(forwarder.retire())
    else if (message.kind === 'close') void end(forwarder.close(message.graceMs))
    else if (message.kind === 'reload-certificate') void forwarder.reloadCertificate()
    else if (message.kind === 'tell-counts') void tellCounts(message.question, forwarder.connections())
  })
  const { url, port } = forwarder.publicAddress
  link.send({ kind: 'listening', url, port, redirectUrl: forwarder.redirectAddress?.url })
} catch (error) {
  log.error({ err: error }, 'worker could not begin')
  const code = error instanceof HubError ? error.code : undefined
  link.send({ kind: 'failed', message: (error as Error).message, code })
  process.disconnect?.()
}

async function tellCounts(question: number, connections: Promise<number>): Promise<void> {
  const metrics = (await exposed?.collect()) ?? []
  link.send({ kind: 'counts', question, connections: await connections, metrics })
}
