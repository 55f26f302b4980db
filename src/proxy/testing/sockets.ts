/** Small real parts for proxy tests: upstream servers, raw connections, waiting for conditions. */
import assert from 'node:assert/strict'
import http, { type IncomingMessage, type RequestListener, type ServerResponse } from 'node:http'
import net, { type AddressInfo, type Server, type Socket } from 'node:net'
import { until } from '../../../test/support/until.ts'

export interface Upstream extends AsyncDisposable {
  readonly port: number
  readonly url: string
  readonly server: http.Server
  /** Sockets that are open right now. */
  readonly sockets: Set<Socket>
}

export async function startUpstream(handler: RequestListener = echo): Promise<Upstream> {
  const server = http.createServer(handler)
  const sockets = trackSockets(server)
  const port = await listenLocally(server)
  return {
    port,
    url: `http://127.0.0.1:${port}`,
    server,
    sockets,
    [Symbol.asyncDispose]: () => closeAll(server, sockets),
  }
}

export interface RawServer extends AsyncDisposable {
  readonly port: number
  readonly url: string
  readonly sockets: Set<Socket>
}

/** A server that speaks no HTTP of its own: the test writes every byte. */
export async function startRawServer(
  onSocket: (socket: Socket) => void,
  { allowHalfOpen = false } = {},
): Promise<RawServer> {
  const server = net.createServer({ allowHalfOpen }, socket => {
    socket.on('error', () => {})
    onSocket(socket)
  })
  const sockets = trackSockets(server)
  const port = await listenLocally(server)
  return { port, url: `http://127.0.0.1:${port}`, sockets, [Symbol.asyncDispose]: () => closeAll(server, sockets) }
}

/** Answers with what arrived: `{ method, url, headers, rawHeaders, body }`. */
export async function echo(req: IncomingMessage, res: ServerResponse): Promise<void> {
  const chunks: Buffer[] = []
  for await (const chunk of req as AsyncIterable<Buffer>) chunks.push(chunk)
  const { method, url, headers, rawHeaders } = req
  res.setHeader('Content-Type', 'application/json')
  res.end(JSON.stringify({ method, url, headers, rawHeaders, body: Buffer.concat(chunks).toString() }))
}

export interface RawConnection extends AsyncDisposable {
  readonly socket: Socket
  /** Everything received so far, as latin1. */
  readonly received: string
  readonly ended: boolean
  readonly closed: boolean
  send(text: string | Buffer): void
  /** Waits until what was received contains or matches `what`, and returns all of it. */
  until(what: string | RegExp): Promise<string>
  untilClosed(): Promise<string>
}

export function connectRaw(port: number, first: string | Buffer = ''): RawConnection {
  const socket = net.connect({ port, host: '127.0.0.1', allowHalfOpen: true })
  const state = { received: '', ended: false, closed: false }
  socket.on('data', chunk => {
    state.received += chunk.toString('latin1')
  })
  socket.on('end', () => {
    state.ended = true
  })
  socket.on('close', () => {
    state.closed = true
  })
  socket.on('error', () => {})
  if (first !== '') socket.write(first)
  return {
    socket,
    get received() {
      return state.received
    },
    get ended() {
      return state.ended
    },
    get closed() {
      return state.closed
    },
    send: text => void socket.write(text),
    async until(what) {
      const matches = () => (typeof what === 'string' ? state.received.includes(what) : what.test(state.received))
      await until(`bytes ${what}`, () => matches() || state.ended || state.closed)
      assert.ok(matches(), `expected ${what}, got ${JSON.stringify(state.received.slice(0, 500))}`)
      return state.received
    },
    async untilClosed() {
      await until('the end of the connection', () => state.ended || state.closed)
      return state.received
    },
    async [Symbol.asyncDispose]() {
      socket.destroy()
    },
  }
}

/** A port that was free a moment ago, for programs that cannot listen on port 0. */
export async function freePort(): Promise<number> {
  const server = net.createServer()
  const port = await listenLocally(server)
  await new Promise(resolve => server.close(resolve))
  return port
}

async function listenLocally(server: Server): Promise<number> {
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject)
    server.listen(0, '127.0.0.1', resolve)
  })
  return (server.address() as AddressInfo).port // a TCP server that listens
}

function trackSockets(server: Server): Set<Socket> {
  const sockets = new Set<Socket>()
  server.on('connection', socket => {
    sockets.add(socket)
    socket.once('close', () => sockets.delete(socket))
  })
  return sockets
}

async function closeAll(server: Server, sockets: Set<Socket>): Promise<void> {
  for (const socket of sockets) socket.destroy()
  await new Promise(resolve => server.close(resolve))
}
