/**
 * One connection to an upstream: sends requests and reads their responses, one after the other. It reads into a buffer
 * that all connections share, as whatever arrives is passed on or copied before the next read; only a connection in the
 * middle of a large body has a (larger) buffer of its own for that time.
 */
import type { Socket } from 'node:net'
import { ChunkScanner, type ChunkSink } from './chunk-scanner.ts'
import { HeadFault } from './request-head.ts'
import { parseResponseHead, type ResponseHead } from './response-head.ts'
import { SocketWriter } from './socket-writer.ts'

/** Who has asked and gets the response. */
export interface UpstreamUser {
  readonly method: string
  /** Bodies are wanted as content alone. Read after `upstreamHead`. */
  readonly wantsBare: boolean
  /** Interim responses, too; after a 101 the socket belongs to the user (`takeSocket`). */
  upstreamHead(head: ResponseHead): void
  upstreamBody(bytes: Buffer, from: number, to: number, lasting: boolean): void
  upstreamEnd(trailers: string): void
  /** After each read. False: stop reading until `resume`. */
  upstreamFlush(): boolean
  upstreamDrained(): void
  /** The connection is of no more use before the response is complete. Nothing else is called afterwards. */
  upstreamGone(error: NodeJS.ErrnoException): void
}

/** What becomes of bytes behind a 101. */
export interface RawReader {
  /** False: stop reading until `resume`. */
  read(bytes: Buffer, from: number, to: number, lasting: boolean): boolean
  drained(): void
  ended(): void
  closed(): void
}

export const MAX_HEADER_BYTES = 64 * 1024 // what tornado accepts, so that nothing fits one side only

/** Reads are synchronous where Node waits with epoll or kqueue. */
const SHARED = Buffer.allocUnsafeSlow(64 * 1024)
const LARGE_BYTES = 256 * 1024
const LARGE_BODY_BYTES = 128 * 1024

type Phase = 'idle' | 'head' | 'length' | 'chunked' | 'close' | 'raw' | 'dead'

export class UpstreamConnection implements ChunkSink {
  readonly #onIdleEnd: (connection: UpstreamConnection) => void
  socket!: Socket // set by `attach`, at once after the construction
  #writer!: SocketWriter // likewise
  #phase: Phase = 'idle'
  #user: UpstreamUser | undefined
  #raw: RawReader | undefined
  #held: Buffer | undefined
  #left = 0
  #scanner: ChunkScanner | undefined
  #large: Buffer | undefined
  #lasting = false
  #keepAlive = false
  /** Has answered a request before, so that it may have been closed by the upstream in the meantime. */
  used = false
  /** `performance.now()` of the moment it became idle. */
  idleSince = 0

  constructor(onIdleEnd: (connection: UpstreamConnection) => void) {
    this.#onIdleEnd = onIdleEnd
  }

  /** For `onread` of the socket. */
  readonly readBuffer = (): Buffer => this.#large ?? SHARED
  readonly onRead = (count: number, bytes: Uint8Array): boolean => this.#read(bytes as Buffer, 0, count, false) // `readBuffer` gives Buffers

  attach(socket: Socket): void {
    this.socket = socket
    this.#writer = new SocketWriter(socket)
    socket.on('drain', () => {
      if (this.#raw) this.#raw.drained()
      else this.#user?.upstreamDrained()
    })
    socket.on('error', error => this.#gone(error))
    socket.on('end', () => this.#ended())
    socket.on('close', () => {
      if (this.#raw) this.#raw.closed()
      this.#gone(closedError())
    })
  }

  /** For sockets that cannot read into a given buffer (TLS). */
  readByEvents(): void {
    this.socket.on('data', (chunk: Buffer) => {
      if (!this.#read(chunk, 0, chunk.length, true)) this.socket.pause()
    })
  }

  /** Idle, open, and no sign of an end. */
  get isUsable(): boolean {
    return this.#phase === 'idle' && this.socket.writable && this.socket.readable
  }

  /** The response to this request goes to `user`. @param head complete, latin-1 */
  send(user: UpstreamUser, head: string): void {
    this.#user = user
    this.#phase = 'head'
    this.#writer.text(head)
  }

  text(text: string): void {
    this.#writer.text(text)
  }

  body(bytes: Buffer, from: number, to: number): void {
    this.#writer.bytes(bytes, from, to, true)
  }

  /** False: no more until `upstreamDrained`. */
  flush(): boolean {
    return this.#writer.flush()
  }

  resume(): void {
    this.socket.resume()
  }

  pause(): void {
    this.socket.pause()
  }

  /** After a complete response, whose request has been sent completely, too: ready for the next, or closed. */
  release(): boolean {
    this.#user = undefined
    if (this.#keepAlive && this.isUsable) {
      this.used = true
      return true
    }
    this.destroy()
    return false
  }

  /** The user is told nothing any more. */
  destroy(): void {
    this.#user = undefined
    this.#raw = undefined
    this.#phase = 'dead'
    this.#large = undefined
    this.socket.destroy()
  }

  /** After a 101. */
  takeSocket(reader: RawReader): void {
    this.#user = undefined
    this.#raw = reader
    this.#phase = 'raw'
  }

  piece(bytes: Buffer, from: number, to: number): void {
    this.#user!.upstreamBody(bytes, from, to, this.#lasting && bytes !== SHARED && bytes !== this.#large)
  }

  /** False: no more reading for now. */
  #read(chunk: Buffer, from: number, to: number, lasting: boolean): boolean {
    if (this.#phase === 'raw') return this.#raw?.read(chunk, from, to, lasting) ?? true
    let bytes = chunk
    let [start, end] = [from, to]
    this.#lasting = lasting
    if (this.#held) {
      bytes = Buffer.concat([this.#held, chunk.subarray(from, to)])
      ;[start, end] = [0, bytes.length]
      this.#held = undefined
      this.#lasting = true
    } else if (!lasting && chunk === SHARED && to - from > COPIED_FROM_SHARED) {
      bytes = Buffer.from(chunk.subarray(from, to))
      ;[start, end] = [0, bytes.length]
      this.#lasting = true
    }
    const user = this.#user
    this.#consume(bytes, start, end)
    // The user may have let go of this connection meanwhile; it flushes what it has got all the same.
    return user?.upstreamFlush() ?? true
  }

  #consume(bytes: Buffer, start: number, end: number): void {
    let i = start
    while (i < end) {
      const user = this.#user
      switch (this.#phase) {
        case 'head': {
          const parsed = parseResponseHead(bytes, i, end, user!.method)
          if (parsed === undefined) {
            if (end - i > MAX_HEADER_BYTES) return void this.#fault(new HeadFault(502, 'a response head without end'))
            this.#held = Buffer.from(bytes.subarray(i, end))
            return
          }
          if (parsed instanceof HeadFault) return void this.#fault(parsed)
          if (parsed.end - i > MAX_HEADER_BYTES)
            return void this.#fault(new HeadFault(502, 'a response head too large'))
          i = parsed.end
          this.#beginBody(parsed.head)
          break
        }
        case 'length': {
          const taken = Math.min(this.#left, end - i)
          this.#left -= taken
          this.piece(bytes, i, i + taken)
          i += taken
          if (this.#left === 0 && this.#user) this.#complete('')
          break
        }
        case 'chunked': {
          const scanner = this.#scanner!
          const next = scanner.scan(bytes, i, end, this)
          if (next instanceof HeadFault) return void this.#fault(next)
          i = next
          if (scanner.done) this.#complete(scanner.trailers)
          break
        }
        case 'close':
          this.piece(bytes, i, end)
          return
        case 'raw': {
          const raw = this.#raw
          if (raw && !raw.read(bytes, i, end, this.#lasting)) this.pause()
          return
        }
        case 'idle':
          // Nobody has asked for these bytes; they must not become the answer to the next request.
          this.#keepAlive = false
          this.#phase = 'dead'
          if (!user) this.#gone(closedError())
          return
        case 'dead':
          return
      }
    }
  }

  #beginBody(head: ResponseHead): void {
    const user = this.#user!
    this.#keepAlive = head.keepAlive
    if (head.status >= 200) {
      if (head.body === 'length') this.#left = head.contentLength
      this.#phase = head.body === 'none' ? 'head' : head.body
      if (head.body === 'chunked') this.#scanner = new ChunkScanner({ bare: user.wantsBare })
      if (head.body === 'length' && head.contentLength > LARGE_BODY_BYTES) {
        this.#large ??= Buffer.allocUnsafeSlow(LARGE_BYTES)
      }
    }
    user.upstreamHead(head)
    if (this.#user !== user) return
    if (head.status >= 200 && head.body === 'none') this.#complete('')
  }

  #complete(trailers: string): void {
    const user = this.#user!
    this.#phase = 'idle'
    this.#scanner = undefined
    this.#large = undefined // not used again: the end of it may still be on its way to the client
    user.upstreamEnd(trailers)
  }

  #ended(): void {
    if (this.#phase === 'raw') return void this.#raw?.ended()
    if (this.#phase === 'close' && this.#user) {
      const user = this.#user
      this.#complete('')
      user.upstreamFlush()
      return
    }
    this.#gone(closedError())
  }

  #fault(fault: HeadFault): void {
    this.#gone(new Error(fault.reason))
  }

  #gone(error: NodeJS.ErrnoException): void {
    const user = this.#user
    const wasIdle = this.#phase === 'idle'
    if (this.#phase === 'raw') return
    this.destroy()
    if (wasIdle && !user) this.#onIdleEnd(this)
    // A complete response stays one, whatever happens to its connection afterwards.
    else user?.upstreamGone(error)
  }
}

/** Above this, bytes in the shared buffer are copied once; below, they become text anyway. */
const COPIED_FROM_SHARED = 16 * 1024

function closedError(): NodeJS.ErrnoException {
  return Object.assign(new Error('the upstream closed the connection'), { code: 'ECONNRESET' })
}
