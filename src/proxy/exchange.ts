/**
 * One request through the proxy: found by the trie, its bytes passed on both ways, each side waiting for the other.
 * Whoever goes away first takes the other along: a client that leaves ends the upstream's work, and an upstream that
 * breaks off in mid-body breaks off the client's response, so that nobody takes half a file for a whole one.
 * Knows no protocol of the client: `exchange-client.ts` says how it is driven.
 */
import type { ErrorPage } from './error-pages.ts'
import type { ExchangeClient } from './exchange-client.ts'
import { type ForwardContext, loggedPath, touchRoute } from './forward-context.ts'
import type { RequestHead } from './http1/request-head.ts'
import type { ResponseHead } from './http1/response-head.ts'
import type { UpstreamConnection, UpstreamUser } from './http1/upstream-connection.ts'
import { rewriteLocation } from './location-rewrite.ts'
import { type FoundRoute, matchAgain } from './match-route.ts'
import { reasonOf } from './reason-phrase.ts'
import { asksNotToCount } from './request-activity.ts'
import { upstreamHead } from './request-fields.ts'
import type { Swept } from './sweeper.ts'
import type { Traffic } from './traffic.ts'
import { Tunnel } from './tunnel.ts'
import { watchFrames } from './websocket-activity.ts'

const HEALTH_PATH = '/_chp_healthz'
const HEALTH_PAGE: ErrorPage = {
  lines: 'Content-Type: application/json\r\n',
  body: Buffer.from('{"status":"OK"}'),
}

/**
 * An upstream that takes the connection and never says anything must not hold the client's socket for ever. Servers do
 * keep a kernel's WebSocket waiting until a slow kernel has started.
 */
const UPGRADE_TIMEOUT_MS = 5 * 60_000
const MAX_INTERIM_RESPONSES = 100
const REPEATABLE_METHODS = new Set(['GET', 'HEAD', 'OPTIONS', 'TRACE'])

/** `failing`: an error page is on its way. `over`: the client has gone or was let go. */
type State = 'asking' | 'failing' | 'answering' | 'answered' | 'over'

export class Exchange implements UpstreamUser, Swept {
  readonly #context: ForwardContext
  readonly #client: ExchangeClient
  readonly #head: RequestHead
  #match: FoundRoute | undefined
  #traffic: Traffic | undefined
  #upstream: UpstreamConnection | undefined
  #state: State = 'asking'
  #status = 0
  #requestDone = false
  #retried = false
  #interim = 0
  #deadline = 0
  /** Who waits for the other to take more. */
  #clientWaits = false
  #upstreamWaits = false

  constructor(context: ForwardContext, client: ExchangeClient, head: RequestHead) {
    this.#context = context
    this.#client = client
    this.#head = head
    this.#requestDone = head.body === 'none'
  }

  begin(): void {
    const { metrics, routes, settings } = this.#context
    const head = this.#head
    if (head.target === HEALTH_PATH && head.upgrade === undefined) return void this.#answer(200, HEALTH_PAGE)
    if (head.upgrade === undefined) metrics.countWeb()
    else metrics.countUpgrade()
    const endSearch = metrics.timeFindTarget()
    const match = matchAgain(this.#client.memo, head.target, head.host, routes, settings)
    endSearch()
    if (match.kind === 'malformed') return void this.#fail(400, 'malformed path')
    if (match.kind === 'none') return void this.#fail(404, 'no route')
    this.#match = match
    this.#traffic = metrics.trafficOf(match.route)
    this.#traffic.requests++
    this.#send(match)
  }

  /** A piece of the request's body; with chunks only when the client is not `bare`. */
  requestBody(bytes: Buffer, from: number, to: number): void {
    const upstream = this.#upstream
    if (!upstream || to === from) return
    this.#touch()
    this.#traffic!.received += to - from
    if (!this.#client.bare || this.#head.body !== 'chunked') return void upstream.body(bytes, from, to)
    upstream.text(`${(to - from).toString(16)}\r\n`)
    upstream.body(bytes, from, to)
    upstream.text('\r\n')
  }

  /** Not for a request without a body. @param trailers field lines, each with its CR LF */
  requestEnd(trailers: string): void {
    this.#requestDone = true
    if (this.#head.body === 'chunked') this.#upstream?.text(`0\r\n${trailers}\r\n`)
    if (this.#state !== 'answered') return
    // The response came early; now that all is sent, the connection is of use again.
    this.#upstream?.flush()
    this.#release()
  }

  /** To be called at the end of each turn. False: no more of the body until `client.resumeRequest`. */
  flushRequest(): boolean {
    if (this.#upstream?.flush() ?? true) return true
    this.#clientWaits = true
    return false
  }

  /** All that the client has sent so far is with the system; nobody here reads it any more. */
  get hasWritten(): boolean {
    return this.#upstream?.socket.writableLength === 0
  }

  clientDrained(): void {
    if (!this.#upstreamWaits) return
    this.#upstreamWaits = false
    this.#upstream?.resume()
  }

  clientGone(): void {
    this.#state = 'over'
    this.#stopWaiting()
    this.#upstream?.destroy()
    this.#upstream = undefined
  }

  get isUpgrade(): boolean {
    return this.#head.upgrade !== undefined
  }

  // What follows is called by the connection to the upstream.

  get method(): string {
    return this.#head.method
  }

  get wantsBare(): boolean {
    return this.#client.bare || this.#head.minor === 0
  }

  upstreamHead(head: ResponseHead): void {
    if (head.status < 200) return void this.#interimHead(head)
    this.#stopWaiting()
    this.#state = 'answering'
    this.#status = head.status
    const { metrics, settings, log } = this.#context
    metrics.countProxied(head.status)
    if (this.isUpgrade) {
      log.info({ status: head.status, path: loggedPath(this.#head.target) }, 'upgrade refused by the upstream')
    }
    const { host } = this.#head
    const { route } = this.#match!
    const lines = rewriteLocation(head.lines, head.status, route.upstream, host, settings)
    // After a refused upgrade, or a body that may or may not come now (RFC 9110 10.1.1), only a fresh connection is
    // unambiguous.
    const last = this.isUpgrade || !this.#requestDone
    const secured = this.#secured(lines)
    this.#client.sendHead(secured === head.lines ? head : { ...head, lines: secured }, last)
  }

  upstreamBody(bytes: Buffer, from: number, to: number, lasting: boolean): void {
    this.#traffic!.sent += to - from
    this.#client.sendBody(bytes, from, to, lasting)
  }

  upstreamEnd(trailers: string): void {
    this.#state = 'answered'
    // As in configurable-http-proxy, refusals and redirects do not make a server look used.
    if (this.#status < 300) this.#touch()
    this.#client.sendEnd(trailers)
    if (this.#requestDone) this.#release()
  }

  upstreamFlush(): boolean {
    if (this.#client.flush() || !this.#upstream) return true
    this.#upstreamWaits = true
    return false
  }

  upstreamDrained(): void {
    if (!this.#clientWaits) return
    this.#clientWaits = false
    this.#client.resumeRequest()
  }

  upstreamGone(error: NodeJS.ErrnoException): void {
    const upstream = this.#upstream
    this.#upstream = undefined
    this.#stopWaiting()
    if (this.#state === 'answering') {
      this.#state = 'over'
      const path = loggedPath(this.#head.target)
      this.#context.log.debug({ path, err: error }, 'response broken off')
      this.#client.abort()
    } else if (this.#state === 'asking') {
      if (this.#mayRetry(upstream)) {
        this.#retried = true
        this.#send(this.#match!)
        this.flushRequest()
      } else this.#fail(503, error.code ?? error.message)
    } else this.upstreamDrained() // the rest of the body goes nowhere
  }

  sweep(now: number): void {
    if (now < this.#deadline || this.#state !== 'asking') return
    this.#fail(504, 'no response in time')
  }

  #send(match: FoundRoute): void {
    const { pool, settings, fields, sweeper } = this.#context
    const { upstream: target } = match.route
    const upgrade = this.isUpgrade
    // An upgraded connection never comes back; a kept one may be closed by its server while the request is on its way.
    const upstream = upgrade || this.#retried ? pool.open(target) : pool.acquire(target)
    this.#upstream = upstream
    upstream.send(this, upstreamHead(this.#head, match, this.#client, fields))
    const timeoutMs = settings.proxyTimeoutMs || (upgrade ? UPGRADE_TIMEOUT_MS : 0)
    if (timeoutMs === 0 || this.#deadline > 0) return
    this.#deadline = performance.now() + timeoutMs
    sweeper.add(this)
  }

  /** Interim responses (RFC 9110 15.2), and the one that ends all responses on this connection. */
  #interimHead(head: ResponseHead): void {
    if (head.status === 101) {
      if (this.isUpgrade) return void this.#join(head)
      return void this.#fail(503, 'the upstream switched protocols without being asked')
    }
    if (++this.#interim > MAX_INTERIM_RESPONSES) return void this.#fail(503, 'interim responses without end')
    if (this.#head.minor === 1) this.#client.sendInformation(head.status, head.reason, head.lines)
  }

  #join(head: ResponseHead): void {
    const { settings, metrics, sweeper, tunnels } = this.#context
    const { route } = this.#match!
    const upstream = this.#upstream!
    this.#stopWaiting()
    this.#state = 'over'
    this.#upstream = undefined
    metrics.countProxied(101)
    const { stream, early } = this.#client.upgrade(head)
    const isActivity = /^websocket$/i.test(this.#head.upgrade ?? '') ? watchFrames() : () => true
    const traffic = this.#traffic!
    const onClientData = (chunk: Buffer) => {
      traffic.received += chunk.length
      if (isActivity(chunk)) touchRoute(this.#context, route)
    }
    const { halfClosedIdleMs } = settings
    upstream.takeSocket(new Tunnel(stream, upstream, { halfClosedIdleMs, sweeper, tunnels, traffic, onClientData }))
    if (early.length === 0) return
    onClientData(early)
    upstream.socket.write(early)
  }

  /** A kept socket may be closed by its server while the request is on its way; what is safe to repeat is repeated. */
  #mayRetry(upstream: UpstreamConnection | undefined): boolean {
    if (this.#retried || !upstream?.used || this.#head.body !== 'none') return false
    return REPEATABLE_METHODS.has(this.#head.method)
  }

  #release(): void {
    const upstream = this.#upstream
    if (!upstream) return
    this.#upstream = undefined
    if (this.isUpgrade) upstream.destroy()
    else this.#context.pool.release(upstream)
  }

  #touch(): void {
    if (!asksNotToCount(this.#head.target)) touchRoute(this.#context, this.#match!.route)
  }

  #stopWaiting(): void {
    if (this.#deadline === 0) return
    this.#deadline = 0
    this.#context.sweeper.delete(this)
  }

  #fail(status: number, reason: string): void {
    const { metrics, log, errors } = this.#context
    const { method, target, upgrade } = this.#head
    this.#state = 'failing'
    this.#stopWaiting()
    this.#upstream?.destroy()
    this.#upstream = undefined
    metrics.countProxied(status)
    const upstream = this.#match?.route.upstream.href
    const fields = { status, method, path: loggedPath(target), upgrade, target: upstream, reason }
    if (status === 404) log.debug(fields, 'no route')
    else log.warn(fields, upgrade === undefined ? 'request failed at the proxy' : 'upgrade failed at the proxy')
    this.upstreamDrained()
    void errors.pageFor(status, target).then(page => {
      if (this.#state !== 'failing') return
      this.#answer(status, status === 503 ? { ...page, lines: `${page.lines}Retry-After: 5\r\n` } : page)
      this.#client.flush()
    })
  }

  /** RFC 6797 7.2: over TLS alone. What the upstream says itself counts. */
  #secured(lines: string): string {
    const { hstsLine } = this.#context.settings
    if (hstsLine === '' || !this.#client.encrypted || /^strict-transport-security:/im.test(lines)) return lines
    return lines + hstsLine
  }

  /** A response of the proxy itself. */
  #answer(status: number, { lines, body }: ErrorPage): void {
    this.#state = 'answered'
    const last = this.isUpgrade || !this.#requestDone
    this.#client.sendHead(
      {
        status,
        reason: reasonOf(status),
        lines: this.#secured(`${lines}Content-Length: ${body.length}\r\n`),
        body: 'length',
        contentLength: body.length,
        keepAlive: true,
        hasDate: false,
      },
      last,
    )
    if (this.#head.method !== 'HEAD') this.#client.sendBody(body, 0, body.length, true)
    this.#client.sendEnd('')
  }
}
