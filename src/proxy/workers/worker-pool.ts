/**
 * Forwarding by several processes that share the public socket. This process keeps the table, the API and the snapshot;
 * an answer of the API waits until every worker routes by it. A worker that dies is replaced, with the whole table.
 *
 * All accept on one socket that they inherit, whose queue belongs to none of them: what waits in it when a worker dies is
 * taken by another. (With SO_REUSEPORT each has its own queue, which is lost with it.)
 */
import { type ChildProcess, spawn } from 'node:child_process'
import { setTimeout as sleep } from 'node:timers/promises'
import { entryFile } from '../../core/entry-file.ts'
import { HubError } from '../../core/errors.ts'
import type { Logger } from '../../core/runtime.ts'
import { type HeldAddress, holdAddress } from '../bound-socket.ts'
import type { CollectedMetrics } from '../proxy-metrics.ts'
import type { ProxyOptions } from '../proxy-options.ts'
import type { RouteTable } from '../route-table.ts'
import { type Forwarder, redirectListen } from '../start-forwarder.ts'
import { type Link, linkTo, nextMessage } from './link.ts'
import { type Publication, publishTable } from './publish-table.ts'

/** What a worker is told first. */
export interface WorkerOrder {
  readonly type: 'work'
  readonly number: number
  readonly logLevel: string
  readonly options: Omit<ProxyOptions, 'log'>
}

interface Worker {
  readonly child: ChildProcess
  readonly link: Link
  readonly ended: Promise<void>
  /** Of the table; undefined until it asks for it. */
  publication: Publication | undefined
}

const FIRST_FD = 3
const LISTENING_WITHIN_MS = 30_000
/** One that cannot begin is tried again after so long, and twice as long each time. */
const PAUSE_MS = 250
const LONGEST_PAUSE_MS = 30_000
const STEADY_MS = 10_000
const COUNTS_WITHIN_MS = 1_000

/** Throws HubError `port_taken`, `address_unusable`, or what the first worker failed with; nothing is left then. */
export async function startWorkerPool(options: ProxyOptions, routes: RouteTable): Promise<Forwarder> {
  const { log, workers: count = 1, redirect } = options
  const held: HeldAddress[] = [await holdAddress(options.listen)]
  if (redirect) held.push(await holdAddress(redirectListen(options)))
  const workers = new Map<number, Worker>()
  let ending = false
  let questions = 0

  function begin(number: number): Worker {
    const child = spawn(
      process.execPath,
      ['--disable-warning=ExperimentalWarning', entryFile(import.meta.filename, 'worker')],
      {
        stdio: ['ignore', 'inherit', 'inherit', ...held.map(({ fd }) => fd), 'ipc'],
        serialization: 'advanced', // keys and certificates are bytes
      },
    )
    child.on('error', error => log.error({ err: error, worker: number }, 'worker could not be started'))
    const link = linkTo(child, child.pid ?? 0)
    const ended = new Promise<void>(resolve => link.gone.addEventListener('abort', () => resolve(), { once: true }))
    const worker: Worker = { child, link, ended, publication: undefined }
    workers.set(number, worker)
    link.onMessage(message => {
      if (message.kind === 'join') child.send(orderFor(number, options), () => {})
      else if (message.kind === 'ready') worker.publication = publishTable(routes, link)
    })
    return worker
  }

  /** Looks after one place: whoever works there is followed by another when it dies. */
  async function keep(number: number, first: Worker): Promise<void> {
    let failures = 0
    for (let worker = first; ; worker = begin(number)) {
      const begunAt = Date.now()
      await worker.ended
      if (ending) return
      failures = Date.now() - begunAt > STEADY_MS ? 0 : failures + 1
      log.warn({ worker: number, pid: worker.child.pid }, 'worker ended, another one begins')
      if (failures > 1) await sleep(Math.min(LONGEST_PAUSE_MS, PAUSE_MS * 2 ** failures), undefined, { ref: false })
      if (ending) return
    }
  }

  const all = () => [...workers.values()]
  async function endAll(message: { kind: 'retire' } | { kind: 'close'; graceMs: number }): Promise<void> {
    ending = true
    for (const { link } of all()) link.send(message)
    await Promise.all(all().map(({ ended }) => ended))
    for (const { release } of held) release()
  }

  async function gatherCounts(): Promise<{ connections: number; metrics: CollectedMetrics }[]> {
    const question = ++questions
    const answers = all().map(async ({ link }) => {
      link.send({ kind: 'tell-counts', question })
      const patience = AbortSignal.timeout(COUNTS_WITHIN_MS)
      return nextMessage(link, 'counts', patience).catch(() => undefined) // one that has just died counts no more
    })
    return (await Promise.all(answers)).filter(answer => answer !== undefined)
  }

  let addresses: { url: string; port: number; redirectUrl: string | undefined }[]
  const first = Array.from({ length: count }, (_, index) => begin(index + 1))
  try {
    addresses = await Promise.all(first.map(({ link }) => listening(link)))
  } catch (error) {
    await endAll({ kind: 'close', graceMs: 0 })
    throw error
  }
  for (const [index, worker] of first.entries()) void keep(index + 1, worker)
  log.info({ workers: first.map(({ child }) => child.pid) }, 'workers ready')
  const { url, port, redirectUrl } = addresses[0]!

  return {
    publicAddress: { url, port, fd: held[0]!.fd },
    redirectAddress:
      redirectUrl === undefined
        ? undefined
        : { url: redirectUrl, port: Number(new URL(redirectUrl).port), fd: held[1]!.fd },
    async reloadCertificate() {
      for (const { link } of all()) link.send({ kind: 'reload-certificate' })
    },
    confirmed() {
      const waiting = all().flatMap(({ publication }) => publication?.confirmed() ?? [])
      return waiting.length === 0 ? undefined : Promise.all(waiting).then(() => {})
    },
    async gatherActivity() {
      await Promise.all(all().map(({ publication }) => publication?.gatherActivity()))
    },
    gatherMetrics: async () => (await gatherCounts()).map(({ metrics }) => metrics),
    connections: async () => (await gatherCounts()).reduce((sum, { connections }) => sum + connections, 0),
    retire: () => endAll({ kind: 'retire' }),
    close: graceMs => endAll({ kind: 'close', graceMs }),
  }
}

async function listening(link: Link) {
  const ended = new AbortController()
  const signal = AbortSignal.any([AbortSignal.timeout(LISTENING_WITHIN_MS), ended.signal])
  const failed = nextMessage(link, 'failed', signal).then(({ message, code }) => {
    throw new HubError(code ?? 'worker_failed', { status: 500, message: `A worker could not begin: ${message}` })
  })
  failed.catch(() => {}) // the other one tells, or it is of no interest any more
  try {
    return await Promise.race([nextMessage(link, 'listening', signal), failed])
  } catch (error) {
    if (error instanceof HubError) throw error
    throw new HubError('worker_failed', {
      status: 500,
      message: 'A worker of the proxy ended before it took requests.',
      nextStep: 'The log of the proxy says why.',
      cause: error,
    })
  } finally {
    ended.abort()
  }
}

/** The API, its token and the snapshot are no business of theirs. */
function orderFor(number: number, all: ProxyOptions): WorkerOrder {
  const { log, authToken: _token, apiTls: _tls, snapshotFile: _file, ...options } = all
  const redirect = options.redirect && { ...options.redirect, listen: { fd: FIRST_FD + 1 } }
  return {
    type: 'work',
    number,
    logLevel: levelOf(log),
    options: { ...options, redirect, listen: { fd: FIRST_FD } },
  }
}

function levelOf(log: Logger): string {
  if (!log.isLevelEnabled) return 'silent'
  if (log.isLevelEnabled('debug')) return 'debug'
  return log.isLevelEnabled('info') ? 'info' : 'warn'
}
