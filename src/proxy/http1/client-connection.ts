/**
 * One connection of a client that speaks HTTP/1.1 (or 1.0): reads one request after the other, in order, and gives each
 * to an `Exchange`. What comes early (pipelining) waits in a bounded buffer; what comes too slowly or too large is
 * refused. Limits: a head has `headTimeoutMs` and `MAX_HEADER_BYTES`; bodies have none.
 */
import type { Socket } from 'node:net'
import { Exchange } from '../exchange.ts'
import type { ExchangeClient, Upgraded } from '../exchange-client.ts'
import type { ForwardContext } from '../forward-context.ts'
import { newRouteMemo } from '../match-route.ts'
import { reasonOf } from '../reason-phrase.ts'
import type { Swept } from '../sweeper.ts'
import { CR, LF } from './byte-classes.ts'
import { ChunkScanner, type ChunkSink } from './chunk-scanner.ts'
import { freeChunk, readDirectly, readOn, stopReadingDirectly } from './direct-reads.ts'
import { HeadFault, parseRequestHead, type RequestHead } from './request-head.ts'
import type { ResponseHead } from './response-head.ts'
import { SocketWriter } from './socket-writer.ts'
import { MAX_HEADER_BYTES } from './upstream-connection.ts'

/** A connection, of whatever version, as the server sees it. */
export interface OpenConnection {
  /** Whether a response is due that can be waited for. */
  readonly isBusy: boolean
  /** Ends it at once if it is between two requests. */
  closeIfIdle(): void
  destroy(): void
  /** Absent: it ends with the response to its next request, since its server is `closing`. */
  retire?(): void
}

/** What the connections of a server have in common. */
export interface ClientConnections {
  readonly context: ForwardContext
  readonly open: Set<OpenConnection>
  /** Ends the head of a response after which the connection is kept. */
  readonly keepAliveLine: string
  /** Connections end after the next response that begins. */
  closing: boolean
}

export function newClientConnections(context: ForwardContext): ClientConnections {
  const seconds = Math.floor(context.settings.keepAliveTimeoutMs / 1000)
  const hint = seconds > 0 ? `Keep-Alive: timeout=${seconds}\r\n` : ''
  return { context, open: new Set(), keepAliveLine: `Connection: keep-alive\r\n${hint}\r\n`, closing: false }
}

/**
 * Nobody takes the rest of a request any more. The client is let finish for a while, because closing at once could make
 * its system throw away the response that it has not read yet.
 */
const LINGER_MS = 5000
const MAX_HELD_BYTES = 64 * 1024
const KEEP_ALIVE_PROBE_MS = 30_000
const NOTHING = Buffer.alloc(0)

/** `head`: (the rest of) a head is due. `idle`: between two requests. `running`: an exchange. `leaving`: closed by us. */
type Phase = 'head' | 'idle' | 'running' | 'leaving'

export class ClientConnection implements OpenConnection, ExchangeClient, ChunkSink, Swept {
  readonly encrypted: boolean
  readonly bare = false
  readonly memo = newRouteMemo()
  readonly #socket: Socket
  readonly #writer: SocketWriter
  readonly #shared: ClientConnections
  readonly #keepAliveLine: string
  #phase: Phase = 'head'
  #deadline: number
  #exchange: Exchange | undefined
  #head: RequestHead | undefined
  #held: Buffer | undefined
  #reading = false // in `#take`
  #paused = false
  #requestDone = false
  #responseBegun = false
  #responseDone = false
  /** This response is the last on the connection. */
  #last = false
  /** How the response's body is framed for the client. */
  #framing: 'as it comes' | 'chunks' | 'make chunks' = 'as it comes'
  #left = 0
  #scanner: ChunkScanner | undefined
  #lingers = false
  #probing = false
  #bytes = 0
  #bytesAt = 0

  constructor(socket: Socket, shared: ClientConnections, how: { encrypted: boolean }) {
    this.#socket = socket
    this.#writer = new SocketWriter(socket)
    this.#shared = shared
    this.encrypted = how.encrypted
    this.#keepAliveLine = shared.keepAliveLine
    this.#deadline = performance.now() + shared.context.settings.headTimeoutMs
    shared.open.add(this)
    shared.context.sweeper.add(this)
    socket.on('drain', this.#onDrain)
    socket.on('end', this.#onEnd)
    socket.on('error', this.#onError)
    socket.on('close', this.#onClose)
    readDirectly(socket, chunk => {
      this.#onData(chunk)
      return !this.#paused
    })
  }

  get remoteAddress(): string | undefined {
    return this.#socket.remoteAddress
  }

  get isBusy(): boolean {
    return this.#exchange !== undefined && !this.#exchange.isUpgrade
  }

  closeIfIdle(): void {
    if (this.#phase === 'idle' || (this.#phase === 'head' && !this.#held)) this.#leave()
  }

  destroy(): void {
    this.#socket.destroy()
  }

  sweep(now: number): void {
    if (this.#phase !== 'running') {
      if (now < this.#deadline) return
      if (this.#phase === 'head' && this.#held) this.#refuse(new HeadFault(408, 'the request did not come in time'))
      else this.#socket.destroy()
      return
    }
    if (this.#responseDone) {
      if (now >= this.#deadline) this.#socket.destroy()
      return
    }
    if (!this.#probing) {
      this.#probing = true
      this.#socket.setKeepAlive(true, KEEP_ALIVE_PROBE_MS) // a vanished laptop is noticed although nobody writes
    }
    const { timeoutMs } = this.#shared.context.settings
    if (timeoutMs === 0) return
    const bytes = this.#socket.bytesRead + this.#socket.bytesWritten - this.#socket.writableLength
    if (bytes !== this.#bytes) {
      this.#bytes = bytes
      this.#bytesAt = now
    } else if (now - this.#bytesAt >= timeoutMs) this.#socket.destroy()
  }

  // What the exchange asks.

  sendInformation(status: number, reason: string, lines: string): void {
    this.#writer.text(`HTTP/1.1 ${status} ${reason}\r\n${lines}\r\n`)
  }

  sendHead(head: ResponseHead, last: boolean): void {
    const request = this.#head!
    this.#responseBegun = true
    this.#last = last || !request.keepAlive || this.#shared.closing
    let framing = ''
    this.#framing = 'as it comes'
    if (head.body === 'chunked' || head.body === 'close') {
      if (request.minor === 1) {
        framing = 'Transfer-Encoding: chunked\r\n'
        this.#framing = head.body === 'chunked' ? 'chunks' : 'make chunks'
      } else this.#last = true
    }
    if (!head.hasDate) framing += dateLine()
    this.#writer.text(
      `HTTP/1.1 ${head.status} ${head.reason}\r\n${head.lines}${framing}${this.#last ? CLOSE_LINE : this.#keepAliveLine}`,
    )
  }

  sendBody(bytes: Buffer, from: number, to: number, lasting: boolean): void {
    if (this.#framing !== 'make chunks') return void this.#writer.bytes(bytes, from, to, lasting)
    this.#writer.text(`${(to - from).toString(16)}\r\n`)
    this.#writer.bytes(bytes, from, to, lasting)
    this.#writer.text('\r\n')
  }

  sendEnd(trailers: string): void {
    if (this.#framing !== 'as it comes') this.#writer.text(trailers === '' ? '0\r\n\r\n' : `0\r\n${trailers}\r\n`)
    this.#responseDone = true
  }

  flush(): boolean {
    const more = this.#writer.flush()
    if (this.#responseDone && !this.#reading) this.#settle()
    return more
  }

  upgrade(head: ResponseHead): Upgraded {
    const socket = this.#socket
    this.#writer.text(`HTTP/1.1 101 ${head.reason || 'Switching Protocols'}\r\n${head.lines}\r\n`)
    this.#writer.flush()
    this.#forget()
    socket.setKeepAlive(true, KEEP_ALIVE_PROBE_MS)
    const early = this.#held ?? NOTHING
    this.#readOn()
    return { stream: socket, early }
  }

  abort(): void {
    this.#exchange = undefined
    this.#writer.flush() // a head without its body says more than silence does
    // Only a reset tells a client whose response has no other end that this is not the end.
    if (this.#head?.minor === 0 && !this.encrypted && this.#socket.remoteFamily) this.#socket.resetAndDestroy()
    else this.#socket.destroy()
  }

  resumeRequest(): void {
    this.#readOn()
  }

  // What the socket tells.

  #onData(chunk: Buffer): void {
    if (this.#phase === 'leaving') return
    const held = this.#held
    if (!held) {
      this.#take(chunk)
      if (!this.#held && this.#exchange?.hasWritten) freeChunk(chunk)
      return
    }
    const bytes = Buffer.concat([held, chunk])
    if (this.#phase === 'head' && bytes.length <= MAX_HEADER_BYTES && !hasEmptyLine(bytes, held.length - 3)) {
      this.#held = bytes
    } else if (this.#phase === 'running' && this.#requestDone) this.#hold(bytes)
    else {
      this.#held = undefined
      this.#take(bytes)
    }
  }

  readonly #onDrain = (): void => this.#exchange?.clientDrained()

  readonly #onEnd = (): void => {
    // As in Node's own server, a client that says no more does not wait for the response either.
    if (this.#exchange && !this.#responseDone) this.#socket.destroy()
    else if (this.#phase !== 'leaving') this.#leave()
  }

  readonly #onError = (): void => {
    this.#socket.destroy()
  }

  readonly #onClose = (): void => {
    this.#forget()
    const exchange = this.#exchange
    this.#exchange = undefined
    exchange?.clientGone()
  }

  /** Takes requests from `bytes`, as far as they go; the rest waits. */
  #take(bytes: Buffer): void {
    let i = 0
    this.#reading = true
    while (i < bytes.length) {
      if (this.#phase === 'leaving') break
      if (!this.#exchange) i = this.#readHead(bytes, i)
      else if (!this.#requestDone) i = this.#readBody(bytes, i)
      else {
        this.#hold(i === 0 ? bytes : bytes.subarray(i))
        break
      }
      if (this.#responseDone) this.#settle()
    }
    this.#reading = false
    if (this.#exchange && !this.#requestDone) {
      if (!this.#exchange.flushRequest()) this.#paused = true
    } else this.#exchange?.flushRequest()
    if (this.#responseDone) this.flush()
  }

  #hold(bytes: Buffer): void {
    this.#held = bytes
    if (bytes.length > MAX_HELD_BYTES) this.#paused = true
  }

  #readHead(bytes: Buffer, from: number): number {
    const parsed = parseRequestHead(bytes, from, bytes.length, this.#shared.context.fields.rules)
    if (parsed === undefined) {
      if (bytes.length - from > MAX_HEADER_BYTES) return this.#refuse(TOO_LARGE)
      if (this.#phase === 'idle') {
        this.#phase = 'head'
        this.#deadline = performance.now() + this.#shared.context.settings.headTimeoutMs
      }
      this.#held = from === 0 ? bytes : bytes.subarray(from)
      return bytes.length
    }
    if (parsed instanceof HeadFault) return this.#refuse(parsed)
    if (parsed.end - from > MAX_HEADER_BYTES) return this.#refuse(TOO_LARGE)
    const { head } = parsed
    this.#head = head
    this.#phase = 'running'
    this.#responseBegun = false
    this.#responseDone = false
    this.#requestDone = head.body === 'none'
    if (head.body === 'length') this.#left = head.contentLength
    else if (head.body === 'chunked') this.#scanner = new ChunkScanner({ bare: this.bare })
    if (this.#shared.context.settings.timeoutMs > 0) this.#bytesAt = performance.now()
    const exchange = new Exchange(this.#shared.context, this, head)
    this.#exchange = exchange
    exchange.begin()
    return parsed.end
  }

  #readBody(bytes: Buffer, from: number): number {
    const exchange = this.#exchange!
    if (!this.#scanner) {
      const taken = Math.min(this.#left, bytes.length - from)
      this.#left -= taken
      exchange.requestBody(bytes, from, from + taken)
      if (this.#left === 0) {
        this.#requestDone = true
        exchange.requestEnd('')
      }
      return from + taken
    }
    const next = this.#scanner.scan(bytes, from, bytes.length, this)
    if (next instanceof HeadFault) {
      this.#exchange = undefined
      exchange.clientGone()
      if (!this.#responseBegun) return this.#refuse(next)
      this.#socket.destroy()
      return bytes.length
    }
    if (this.#scanner.done) {
      this.#requestDone = true
      const { trailers } = this.#scanner
      this.#scanner = undefined
      exchange.requestEnd(trailers)
    }
    return next
  }

  piece(bytes: Buffer, from: number, to: number): void {
    this.#exchange?.requestBody(bytes, from, to)
  }

  /** The response is complete. */
  #settle(): void {
    this.#writer.flush()
    if (!this.#requestDone) return void this.#linger()
    this.#exchange = undefined
    this.#responseDone = false
    this.#lingers = false
    if (this.#last) return void this.#leave()
    this.#phase = 'idle'
    this.#deadline = performance.now() + (this.#shared.context.settings.keepAliveTimeoutMs || Number.POSITIVE_INFINITY)
    if (this.#reading || !this.#held) return
    const bytes = this.#held
    this.#held = undefined
    this.#readOn()
    this.#take(bytes)
  }

  /** The rest of the body may still come, but not for ever. */
  #linger(): void {
    if (this.#lingers) return
    this.#lingers = true
    this.#deadline = performance.now() + LINGER_MS
    if (this.#last) this.#socket.end()
  }

  /** Ends the connection; everything has been read that was announced. */
  #leave(): void {
    this.#phase = 'leaving'
    this.#deadline = performance.now() + LINGER_MS
    this.#socket.destroySoon()
  }

  /** Answers a request that cannot be understood; nothing behind it can be either. */
  #refuse(fault: HeadFault): number {
    const { metrics, log } = this.#shared.context
    metrics.countWeb()
    metrics.countProxied(fault.status)
    log.debug({ status: fault.status, reason: fault.reason }, 'request refused')
    this.#phase = 'leaving'
    this.#deadline = performance.now() + LINGER_MS
    this.#held = undefined
    const body = `${fault.status} ${reasonOf(fault.status)}: ${fault.reason}\n`
    this.#socket.end(
      `HTTP/1.1 ${fault.status} ${reasonOf(fault.status)}\r\nContent-Type: text/plain\r\nContent-Length: ${body.length}\r\n${dateLine()}${CLOSE_LINE}${body}`,
      'latin1',
    )
    return Number.POSITIVE_INFINITY
  }

  #readOn(): void {
    if (!this.#paused) return
    this.#paused = false
    readOn(this.#socket)
  }

  /**
   * Lets go of the socket, too: Node's closed handles keep theirs, and what hangs on it, until the next collection of
   * everything.
   */
  #forget(): void {
    this.#shared.open.delete(this)
    this.#shared.context.sweeper.delete(this)
    const socket = this.#socket
    socket.off('drain', this.#onDrain)
    socket.off('end', this.#onEnd)
    socket.off('error', this.#onError)
    socket.off('close', this.#onClose)
    stopReadingDirectly(socket)
  }
}

const CLOSE_LINE = 'Connection: close\r\n\r\n'
const TOO_LARGE = new HeadFault(431, `the head is larger than ${MAX_HEADER_BYTES} bytes`)

let dateSecond = 0
let dateText = ''

/** RFC 9110 6.6.1: who passes on a response without a date writes one. */
function dateLine(): string {
  const second = Math.floor(Date.now() / 1000)
  if (second !== dateSecond) {
    dateSecond = second
    dateText = `Date: ${new Date(second * 1000).toUTCString()}\r\n`
  }
  return dateText
}

/** Whether a line of no length (however it ends) lies behind `from`; until then a head needs no second look. */
function hasEmptyLine(bytes: Buffer, from: number): boolean {
  for (let i = bytes.indexOf(LF, Math.max(from, 0)); i !== -1; i = bytes.indexOf(LF, i + 1)) {
    if (bytes[i + 1] === LF || (bytes[i + 1] === CR && bytes[i + 2] === LF)) return true
  }
  return false
}
