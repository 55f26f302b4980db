/**
 * One HTTP request through the proxy: found by the trie, streamed both ways with the streams' own back-pressure.
 * Whoever goes away first takes the other side along: an aborted client ends the upstream's request, and an upstream
 * that breaks off in mid-body ends the client's connection, so that nobody takes half a file for a whole one.
 */
import type { ClientRequest, IncomingMessage, ServerResponse } from 'node:http'
import { drainBody } from './drain-body.ts'
import { type ForwardContext, loggedPath, touchRoute } from './forward-context.ts'
import { hasBody, requestHeaders, responseHeaders } from './header-fields.ts'
import { rewriteLocation } from './location-rewrite.ts'
import { matchRoute, type RouteMatch } from './match-route.ts'
import { asksNotToCount } from './request-activity.ts'
import { findRequestFault } from './request-fault.ts'

const HEALTH_PATH = '/_chp_healthz'

export function forwardRequest(context: ForwardContext, req: IncomingMessage, res: ServerResponse): void {
  if (req.url === HEALTH_PATH) {
    res.writeHead(200, { 'Content-Type': 'application/json' }).end('{"status":"OK"}')
    return
  }
  context.metrics.countWeb()
  const fault = findRequestFault(req)
  if (fault) return void fail(context, req, res, fault.status, { reason: fault.reason })

  const endSearch = context.metrics.timeFindTarget()
  const match = matchRoute(req, context.routes, context.settings)
  endSearch()
  if (match.kind === 'malformed') return void fail(context, req, res, 400, { reason: 'malformed path' })
  if (match.kind === 'none') return void fail(context, req, res, 404, {})
  new Exchange(context, req, res, match).send()
}

/** The sending of one request, once or, where that is harmless, twice. */
class Exchange {
  readonly #context: ForwardContext
  readonly #req: IncomingMessage
  readonly #res: ServerResponse
  readonly #match: RouteMatch & { kind: 'found' }
  #upstreamReq: ClientRequest | undefined
  #retried = false
  #continued = false

  constructor(
    context: ForwardContext,
    req: IncomingMessage,
    res: ServerResponse,
    match: RouteMatch & { kind: 'found' },
  ) {
    this.#context = context
    this.#req = req
    this.#res = res
    this.#match = match
    const { settings } = context
    if (settings.timeoutMs > 0) req.socket.setTimeout(settings.timeoutMs)
    req.on('error', () => {}) // the close of `res` says the same
    const counts = !asksNotToCount(req.url ?? '')
    if (counts && hasBody(req)) req.on('data', () => touchRoute(context, match.route))
    res.once('close', () => {
      if (!res.writableFinished) this.#upstreamReq?.destroy()
    })
    res.once('finish', () => {
      // As in configurable-http-proxy, refusals and redirects do not make a server look used.
      if (counts && res.statusCode < 300) touchRoute(context, match.route)
    })
  }

  send(): void {
    const { route, path, authority } = this.#match
    const { settings, upstreams } = this.#context
    const req = this.#req
    const headers = requestHeaders(req, route.upstream, settings, { upgrade: false, authority })
    const upstreamReq = upstreams.request(route.upstream, {
      method: req.method ?? 'GET',
      path,
      headers,
      upgrade: false,
    })
    this.#upstreamReq = upstreamReq

    let settled = false // a response began or the failure was answered
    let failure: NodeJS.ErrnoException | undefined
    let timer: NodeJS.Timeout | undefined
    if (settings.proxyTimeoutMs > 0) {
      timer = setTimeout(() => {
        if (settled) return
        settled = true
        this.#fail(504, new Error(`no response within ${settings.proxyTimeoutMs} ms`))
        upstreamReq.destroy()
      }, settings.proxyTimeoutMs)
    }
    upstreamReq.on('continue', () => this.#sendContinue())
    upstreamReq.on('information', info => this.#sendInformation(info))
    upstreamReq.on('error', error => {
      failure ??= error
    })
    upstreamReq.once('response', upstreamRes => {
      clearTimeout(timer)
      if (settled) return void upstreamRes.resume()
      settled = true
      try {
        this.#respond(upstreamRes)
      } catch (error) {
        // A status or reason phrase that Node refuses to send on.
        upstreamReq.destroy()
        this.#fail(503, error as NodeJS.ErrnoException) // thrown by Node's own validation
      }
    })
    upstreamReq.once('close', () => {
      clearTimeout(timer)
      if (hasBody(req)) drainBody(req, this.#res, upstreamReq)
      if (settled) return
      settled = true
      if (this.#mayRetry(upstreamReq, failure)) {
        this.#retried = true
        this.send()
      } else if (!this.#res.destroyed) {
        this.#fail(503, failure ?? new Error('the upstream closed the connection'))
      }
    })

    if (!hasBody(req)) return void upstreamReq.end()
    req.once('end', () => addTrailers(upstreamReq, req)) // before the pipe's own listener, which ends the request
    req.pipe(upstreamReq)
  }

  #respond(upstreamRes: IncomingMessage): void {
    const { settings, metrics, log } = this.#context
    const req = this.#req
    const res = this.#res
    const status = upstreamRes.statusCode ?? 502
    metrics.countProxied(status)
    const headers = responseHeaders(upstreamRes, req)
    rewriteLocation(headers, status, this.#match.route.upstream, req.headers.host, settings)
    if (req.headers.expect !== undefined && !this.#continued && !req.complete) {
      // The client may or may not send its body now; only a fresh connection is unambiguous (RFC 9110 10.1.1).
      headers.push('Connection', 'close')
    }
    res.writeHead(status, upstreamRes.statusMessage, headers)
    // A stream that begins with a pause (server-sent events) must not keep its head back.
    if (upstreamRes.headers['content-length'] === undefined) res.flushHeaders()
    upstreamRes.once('end', () => addTrailers(res, upstreamRes))
    // Not stream.pipeline: its AbortController costs a tenth of the whole request.
    upstreamRes.on('error', error => log.debug({ path: loggedPath(req.url), err: error }, 'response broken off'))
    upstreamRes.once('close', () => {
      if (!upstreamRes.complete) res.destroy()
    })
    upstreamRes.pipe(res)
  }

  #sendContinue(): void {
    if (this.#res.headersSent || this.#req.httpVersion === '1.0') return
    this.#continued = true
    this.#res.writeContinue()
  }

  /** Interim responses other than 100 (RFC 9110 15.2). */
  #sendInformation(info: { statusCode: number; headers: NodeJS.Dict<string | string[]> }): void {
    if (this.#res.headersSent || this.#req.httpVersion === '1.0') return
    if (info.statusCode === 102) this.#res.writeProcessing()
    if (info.statusCode === 103 && info.headers.link) {
      try {
        this.#res.writeEarlyHints({ link: info.headers.link })
      } catch {
        // Node refuses some links that others accept; hints may be lost, the response may not.
      }
    }
  }

  /** A kept socket may be closed by its server while the request is on its way; what is safe to repeat is repeated. */
  #mayRetry(upstreamReq: ClientRequest, failure: NodeJS.ErrnoException | undefined): boolean {
    if (this.#retried || !upstreamReq.reusedSocket || this.#res.destroyed || hasBody(this.#req)) return false
    if (!REPEATABLE_METHODS.has(this.#req.method ?? '')) return false
    return failure?.code === 'ECONNRESET' || failure?.code === 'EPIPE'
  }

  #fail(status: number, error: NodeJS.ErrnoException): void {
    fail(this.#context, this.#req, this.#res, status, {
      target: this.#match.route.upstream.href,
      reason: error.code ?? error.message,
    })
  }
}

const REPEATABLE_METHODS = new Set(['GET', 'HEAD', 'OPTIONS', 'TRACE'])

function fail(
  context: ForwardContext,
  req: IncomingMessage,
  res: ServerResponse,
  status: number,
  why: { target?: string; reason?: string },
): void {
  context.metrics.countProxied(status)
  const fields = { status, method: req.method, path: loggedPath(req.url), ...why }
  if (status === 404) context.log.debug(fields, 'no route')
  else context.log.warn(fields, 'request failed at the proxy')
  void context.errors.answer(req, res, status)
  if (hasBody(req)) drainBody(req, res)
}

/** Fields after a chunked body. Those that frame or route a message are not allowed there (RFC 9110 6.5.1). */
function addTrailers(to: ServerResponse | ClientRequest, from: IncomingMessage): void {
  const raw = from.rawTrailers
  const pairs: [string, string][] = []
  for (let i = 0; i < raw.length; i += 2) {
    if (!NOT_IN_TRAILERS.test(raw[i]!)) pairs.push([raw[i]!, raw[i + 1]!])
  }
  if (pairs.length > 0) to.addTrailers(pairs)
}

const NOT_IN_TRAILERS =
  /^(?:content-(?:length|encoding|type|range)|transfer-encoding|host|connection|trailer|te|upgrade|authorization|cookie|set-cookie|expect)$/i
