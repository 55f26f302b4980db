/**
 * What stands behind the measured proxies: a server on bare sockets that costs little, so that the core it shares with
 * the load generator keeps a proxy busy. It checks what arrives.
 */
import { createHash } from 'node:crypto'
import net, { type AddressInfo, type Socket } from 'node:net'

export const SMALL_BODY = '{"kernels":[]}'
export const LARGE_BYTES = 10_000_000
/** Bytes of a 10 MB body; neighbouring pieces differ, so that lost or doubled ones are found. */
export const LARGE_BODY = Buffer.alloc(
  LARGE_BYTES,
  Buffer.from(Array.from({ length: 65_521 }, (_, i) => (i * 31) & 0xff)),
)

export interface BenchUpstream extends Disposable {
  readonly url: string
  readonly port: number
}

/** `/down` answers 10 MB, `/up` takes 10 MB, an upgrade echoes bytes, everything else answers the small body. */
export async function startBenchUpstream(): Promise<BenchUpstream> {
  const sockets = new Set<Socket>()
  const server = net.createServer({ noDelay: true }, socket => {
    sockets.add(socket)
    socket.once('close', () => sockets.delete(socket))
    serve(socket)
  })
  await new Promise<void>(resolve => server.listen(0, '127.0.0.1', 4096, resolve))
  const { port } = server.address() as AddressInfo // a TCP server that listens
  return {
    port,
    url: `http://127.0.0.1:${port}`,
    [Symbol.dispose]() {
      server.close()
      for (const socket of sockets) socket.destroy()
    },
  }
}

function serve(socket: Socket): void {
  let head = ''
  let upload: { received: number; close: boolean } | undefined
  const onData = (chunk: Buffer) => {
    if (upload) return takeUpload(chunk)
    head += chunk.toString('latin1')
    const end = head.indexOf('\r\n\r\n')
    if (end === -1) return
    const rest = chunk.subarray(chunk.length - (head.length - end - 4))
    const request = head.slice(0, end + 2)
    head = ''
    answer(request, rest)
  }
  const answer = (request: string, rest: Buffer) => {
    const close = /\r\nconnection: close\r\n/i.test(request)
    const key = /\r\nsec-websocket-key: (.*)\r\n/i.exec(request)?.[1]
    if (key !== undefined) return acceptEcho(socket, onData, key)
    if (request.startsWith('POST')) {
      upload = { received: 0, close }
      return takeUpload(rest)
    }
    const large = request.slice(0, request.indexOf('\r\n')).includes('/down ')
    const body = large ? LARGE_BODY : SMALL_BODY
    const fields = `Content-Type: application/json\r\nContent-Length: ${body.length}\r\n${close ? 'Connection: close\r\n' : ''}`
    if (large) {
      socket.write(`HTTP/1.1 200 OK\r\n${fields}\r\n`)
      socket.write(body)
    } else {
      socket.write(`HTTP/1.1 200 OK\r\n${fields}\r\n${SMALL_BODY}`, 'latin1')
    }
    if (close) socket.end()
  }
  const takeUpload = (chunk: Buffer) => {
    const { received, close } = upload!
    const right = chunk.equals(LARGE_BODY.subarray(received, received + chunk.length))
    upload = { received: received + chunk.length, close }
    if (right && upload.received < LARGE_BYTES) return
    upload = undefined
    const status = right ? '200 OK' : '400 Wrong Bytes'
    socket.write(`HTTP/1.1 ${status}\r\nContent-Length: ${SMALL_BODY.length}\r\n\r\n${SMALL_BODY}`)
    if (close) socket.end()
  }
  socket.on('data', onData)
  socket.on('error', () => {}) // some proxies end kept connections with a reset
}

/** Frames go back as they came, masked: no proxy here looks into them. */
function acceptEcho(socket: Socket, onData: (chunk: Buffer) => void, key: string): void {
  const accept = createHash('sha1').update(`${key}258EAFA5-E914-47DA-95CA-C5AB0DC85B11`).digest('base64')
  socket.off('data', onData)
  socket.write(
    `HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Accept: ${accept}\r\n\r\n`,
  )
  socket.on('data', chunk => socket.write(chunk))
}
