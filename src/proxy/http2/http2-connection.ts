/**
 * One connection of a client that speaks HTTP/2 (RFC 9113), WebSocket over it among that (RFC 8441). Frames, header
 * compression and flow control are Node's (nghttp2), as are the guards against floods of frames, settings and resets;
 * what a stream means is `http2-stream.ts`.
 */
import { performServerHandshake, type ServerHttp2Session, type ServerHttp2Stream } from 'node:http2'
import type { Socket } from 'node:net'
import type { ForwardContext } from '../forward-context.ts'
import type { OpenConnection } from '../http1/client-connection.ts'
import { MAX_HEADER_BYTES } from '../http1/upstream-connection.ts'
import { newRouteMemo } from '../match-route.ts'
import { Http2Exchange, type StreamConnection } from './http2-stream.ts'

/** As many as browsers use for the kernels and downloads of a person, and nobody needs more at once. */
const MAX_STREAMS = 128
/** What may be on its way up before it is read: of a stream, of a connection. */
const STREAM_WINDOW = 256 * 1024
const CONNECTION_WINDOW = 1024 * 1024
const MAX_FIELDS = 200
const MAX_SESSION_MEMORY_MB = 16
/** A burst of streams that a client opens and resets at once, and how many a second after it (CVE-2023-44487). */
const RESET_BURST = 200
const RESETS_PER_SECOND = 20
/** Browsers come back on the same connection for a minute, and a new one costs a handshake. */
const IDLE_MS = 60_000
const KEEP_ALIVE_PROBE_MS = 30_000
const END_STREAM = 1

const OPTIONS = {
  settings: {
    enableConnectProtocol: true,
    maxConcurrentStreams: MAX_STREAMS,
    initialWindowSize: STREAM_WINDOW,
    maxHeaderListSize: MAX_HEADER_BYTES,
  },
  maxHeaderListPairs: MAX_FIELDS,
  maxSessionMemory: MAX_SESSION_MEMORY_MB,
  maxSessionInvalidFrames: 100,
  streamResetBurst: RESET_BURST,
  streamResetRate: RESETS_PER_SECOND,
}

export class Http2Connection implements OpenConnection, StreamConnection {
  readonly context: ForwardContext
  readonly remoteAddress: string | undefined
  readonly memo = newRouteMemo()
  readonly busy = new Set<Http2Exchange>()
  readonly #session: ServerHttp2Session
  #streams = 0

  /** @param open holds the connection while it is there */
  constructor(socket: Socket, context: ForwardContext, open: Set<OpenConnection>) {
    this.context = context
    this.remoteAddress = socket.remoteAddress
    socket.setKeepAlive(true, KEEP_ALIVE_PROBE_MS) // a vanished laptop is noticed although nobody writes
    socket.allowHalfOpen = false
    socket.on('error', () => socket.destroy())
    const session = performServerHandshake(socket, OPTIONS) as ServerHttp2Session // it makes no other
    this.#session = session
    open.add(this)
    session.on('error', () => session.destroy())
    session.on('close', () => open.delete(this))
    session.once('remoteSettings', () => session.setLocalWindowSize(CONNECTION_WINDOW))
    const { keepAliveTimeoutMs } = context.settings
    if (keepAliveTimeoutMs > 0) {
      session.setTimeout(Math.max(keepAliveTimeoutMs, IDLE_MS), () => {
        if (this.#streams === 0) session.close()
      })
    }
    // Node's own types leave out the last argument.
    session.on('stream', ((stream: ServerHttp2Stream, _headers: unknown, flags: number, raw: string[]) => {
      this.#streams++
      stream.once('close', () => {
        this.#streams--
      })
      new Http2Exchange(stream, this).begin(raw, (flags & END_STREAM) !== 0)
    }) as Parameters<typeof session.on>[1])
  }

  get isBusy(): boolean {
    return this.busy.size > 0
  }

  /** Takes no new request (GOAWAY) and ends with the last one that is under way. */
  retire(): void {
    this.#session.close()
  }

  closeIfIdle(): void {
    if (this.#streams === 0) this.#session.close()
  }

  destroy(): void {
    this.#session.destroy()
  }
}
