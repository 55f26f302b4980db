/** One request of a client that speaks HTTP/2: tells its `Exchange` what comes and carries out what it asks. */
import { constants, type ServerHttp2Stream } from 'node:http2'
import { Exchange } from '../exchange.ts'
import type { ExchangeClient, Upgraded } from '../exchange-client.ts'
import type { ForwardContext } from '../forward-context.ts'
import { HeadFault, parseRequestHead, type RequestHead } from '../http1/request-head.ts'
import type { ResponseHead } from '../http1/response-head.ts'
import { MAX_HEADER_BYTES } from '../http1/upstream-connection.ts'
import type { RouteMemo } from '../match-route.ts'
import { reasonOf } from '../reason-phrase.ts'
import { requestText, trailerLines } from './request-text.ts'
import { responseFields } from './response-fields.ts'

/** What the streams of a connection have in common. */
export interface StreamConnection {
  readonly context: ForwardContext
  readonly remoteAddress: string | undefined
  readonly memo: RouteMemo
  /** Requests that are waited for when the proxy ends. */
  readonly busy: Set<Http2Exchange>
}

const NOTHING = Buffer.alloc(0)

export class Http2Exchange implements ExchangeClient {
  readonly encrypted = true
  readonly bare = true
  readonly memo: RouteMemo
  readonly remoteAddress: string | undefined
  readonly #stream: ServerHttp2Stream
  readonly #shared: StreamConnection
  #exchange: Exchange | undefined
  #requestDone = false
  #responseDone = false
  #trailers = ''
  #requestTrailers = ''

  constructor(stream: ServerHttp2Stream, shared: StreamConnection) {
    this.#stream = stream
    this.#shared = shared
    this.memo = shared.memo
    this.remoteAddress = shared.remoteAddress
    // A stream that is broken off says so here, too; `close` comes in any case.
    stream.on('error', () => {})
    stream.on('close', this.#onClose)
  }

  /** @param raw names and values in turn; @param ended no body follows */
  begin(raw: readonly string[], ended: boolean): void {
    const { context, busy } = this.#shared
    const head = this.#parse(raw, ended)
    if (head instanceof HeadFault) return void this.#refuse(head)
    this.#requestDone = head.body === 'none'
    const stream = this.#stream
    const exchange = new Exchange(context, this, head)
    this.#exchange = exchange
    if (!exchange.isUpgrade) busy.add(this)
    stream.on('drain', this.#onDrain)
    const { timeoutMs } = context.settings
    if (timeoutMs > 0 && !exchange.isUpgrade) stream.setTimeout(timeoutMs, () => this.abort())
    exchange.begin()
    if (!this.#requestDone) {
      stream.on('trailers', (_fields, _flags, rawTrailers) => {
        this.#requestTrailers = trailerLines(rawTrailers as unknown as string[]) // so at run time, its types say nothing
      })
      stream.on('data', this.#onData)
      stream.on('end', this.#onEnd)
    } else if (!exchange.isUpgrade) stream.resume() // else it never closes
    exchange.flushRequest()
  }

  sendInformation(status: number, _reason: string, lines: string): void {
    if (this.#stream.headersSent || this.#stream.destroyed) return
    this.#stream.additionalHeaders({ ':status': status, ...joinedFields(lines) })
  }

  sendHead(head: ResponseHead): void {
    this.#respond(head.status, head.lines, head.hasDate, head.body === 'chunked')
  }

  sendBody(bytes: Buffer, from: number, to: number, lasting: boolean): void {
    const stream = this.#stream
    if (stream.destroyed || stream.writableEnded) return
    if (stream.writableCorked === 0) stream.cork()
    const piece = bytes.subarray(from, to)
    stream.write(lasting ? piece : Buffer.from(piece))
  }

  sendEnd(trailers: string): void {
    this.#trailers = trailers
    this.#responseDone = true
    this.#shared.busy.delete(this)
    const stream = this.#stream
    if (stream.writableCorked > 0) stream.uncork()
    if (!stream.writableEnded) stream.end()
    // RFC 9113 8.1: whoever still sends may stop; it has all that it will get.
    if (!this.#requestDone) stream.once('finish', () => stream.close(constants.NGHTTP2_NO_ERROR))
  }

  flush(): boolean {
    const stream = this.#stream
    if (stream.writableCorked > 0) stream.uncork()
    return stream.destroyed || !stream.writableNeedDrain
  }

  upgrade(head: ResponseHead): Upgraded {
    const stream = this.#stream
    this.#exchange = undefined
    stream.off('close', this.#onClose)
    stream.off('drain', this.#onDrain)
    stream.setTimeout(0)
    this.#respond(200, head.lines, head.hasDate, false)
    return { stream, early: NOTHING }
  }

  abort(): void {
    this.#exchange = undefined
    this.#shared.busy.delete(this)
    this.#stream.close(constants.NGHTTP2_INTERNAL_ERROR)
  }

  resumeRequest(): void {
    this.#stream.resume()
  }

  readonly #onData = (chunk: Buffer): void => {
    const exchange = this.#exchange
    if (!exchange) return
    exchange.requestBody(chunk, 0, chunk.length)
    if (!exchange.flushRequest()) this.#stream.pause()
  }

  readonly #onEnd = (): void => {
    // Also the end of a stream that was broken off, of which `close` comes next.
    if (this.#stream.aborted || this.#stream.rstCode !== constants.NGHTTP2_NO_ERROR) return
    this.#requestDone = true
    this.#exchange?.requestEnd(this.#requestTrailers)
    this.#exchange?.flushRequest()
  }

  readonly #onDrain = (): void => this.#exchange?.clientDrained()

  readonly #onClose = (): void => {
    this.#shared.busy.delete(this)
    const exchange = this.#exchange
    this.#exchange = undefined
    if (!this.#responseDone || !this.#requestDone) exchange?.clientGone()
  }

  #parse(raw: readonly string[], ended: boolean): RequestHead | HeadFault {
    const text = requestText(raw, ended)
    if (text instanceof HeadFault) return text
    if (text.length > MAX_HEADER_BYTES) return new HeadFault(431, `the head is larger than ${MAX_HEADER_BYTES} bytes`)
    const bytes = Buffer.from(text, 'latin1')
    const parsed = parseRequestHead(bytes, 0, bytes.length, this.#shared.context.fields.rules)
    if (parsed instanceof HeadFault) return parsed
    if (parsed?.end !== bytes.length) return new HeadFault(400, 'a head that is more than one')
    return parsed.head
  }

  #respond(status: number, lines: string, hasDate: boolean, waitForTrailers: boolean): void {
    const stream = this.#stream
    if (stream.destroyed || stream.headersSent) return
    const fields = responseFields(lines)
    if (!hasDate) fields.push('date', new Date().toUTCString())
    if (waitForTrailers) {
      stream.once('wantTrailers', () => {
        if (!stream.destroyed) stream.sendTrailers(joinedFields(this.#trailers))
      })
    }
    stream.respond([':status', String(status), ...fields], { waitForTrailers })
  }

  #refuse(fault: HeadFault): void {
    const { metrics, log } = this.#shared.context
    metrics.countWeb()
    metrics.countProxied(fault.status)
    log.debug({ status: fault.status, reason: fault.reason }, 'request refused')
    this.#requestDone = true
    this.#respond(fault.status, 'content-type: text/plain\r\n', false, false)
    const stream = this.#stream
    if (!stream.writableEnded) stream.end(`${fault.status} ${reasonOf(fault.status)}: ${fault.reason}\n`)
    stream.once('finish', () => stream.close(constants.NGHTTP2_NO_ERROR))
    stream.resume()
  }
}

function joinedFields(lines: string): Record<string, string | string[]> {
  const fields = responseFields(lines)
  const joined: Record<string, string | string[]> = {}
  for (let i = 0; i < fields.length; i += 2) {
    const [name, value] = [fields[i]!, fields[i + 1]!]
    const before = joined[name]
    joined[name] = before === undefined ? value : [...[before].flat(), value]
  }
  return joined
}
