/** An HTTP/2 client that sends whatever it is told: fields are literal, nothing is checked (RFC 9113, RFC 7541). */
import { connect, type TLSSocket } from 'node:tls'
import { until } from '../../support/until.ts'

export type Fields = readonly (readonly [name: string, value: string])[]

export const FRAME = { data: 0, headers: 1, reset: 3, settings: 4, ping: 6, goaway: 7, continuation: 9 } as const
export const FLAG = { ack: 1, endStream: 1, endHeaders: 4 } as const

interface Frame {
  readonly type: number
  readonly flags: number
  readonly stream: number
  readonly payload: Buffer
}

export interface RawHttp2 extends AsyncDisposable {
  readonly frames: readonly Frame[]
  readonly closed: boolean
  send(type: number, flags: number, stream: number, payload?: Buffer): void
  /** HEADERS with all fields, and DATA with the body if there is one; the stream ends with the last. */
  request(stream: number, fields: Fields, body?: string): void
  /** Answered, reset, or the connection is over. */
  untilSettled(stream: number): Promise<void>
}

export async function connectHttp2(port: number): Promise<RawHttp2> {
  const socket: TLSSocket = connect({ port, host: '127.0.0.1', ALPNProtocols: ['h2'], rejectUnauthorized: false })
  socket.on('error', () => {})
  const frames: Frame[] = []
  const state = { closed: false }
  let rest: Buffer = Buffer.alloc(0)
  let greeted = false
  socket.on('secureConnect', () => {
    greeted = socket.alpnProtocol === 'h2'
    socket.write('PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n')
    send(FRAME.settings, 0, 0)
  })
  socket.on('close', () => {
    state.closed = true
  })
  socket.on('data', (chunk: Buffer) => {
    rest = Buffer.concat([rest, chunk])
    while (rest.length >= 9 && rest.length >= 9 + rest.readUIntBE(0, 3)) {
      const end = 9 + rest.readUIntBE(0, 3)
      const [type, flags, stream] = [rest[3]!, rest[4]!, rest.readUInt32BE(5) & 0x7fffffff]
      frames.push({ type, flags, stream, payload: rest.subarray(9, end) })
      rest = rest.subarray(end)
      if (type === FRAME.settings && !(flags & FLAG.ack)) send(FRAME.settings, FLAG.ack, 0)
    }
  })
  const send = (type: number, flags: number, stream: number, payload: Buffer = Buffer.alloc(0)) => {
    const head = Buffer.alloc(9)
    head.writeUIntBE(payload.length, 0, 3)
    head[3] = type
    head[4] = flags
    head.writeUInt32BE(stream, 5)
    socket.write(Buffer.concat([head, payload]))
  }
  await until('HTTP/2 to be agreed on', () => greeted)
  return {
    frames,
    get closed() {
      return state.closed
    },
    send,
    request(stream, fields, body) {
      const endStream = body === undefined ? FLAG.endStream : 0
      send(FRAME.headers, FLAG.endHeaders | endStream, stream, fieldBlock(fields))
      if (body !== undefined) send(FRAME.data, FLAG.endStream, stream, Buffer.from(body, 'latin1'))
    },
    async untilSettled(stream) {
      const ends = (frame: Frame) =>
        frame.type === FRAME.goaway ||
        (frame.stream === stream &&
          (frame.type === FRAME.reset || (frame.type <= FRAME.headers && (frame.flags & FLAG.endStream) !== 0)))
      await until(`stream ${stream} to be settled`, () => state.closed || frames.some(ends), 10_000)
    },
    async [Symbol.asyncDispose]() {
      socket.destroy()
    },
  }
}

/** Literal fields without indexing, new names, no Huffman code (RFC 7541 6.2.2). */
export function fieldBlock(fields: Fields): Buffer {
  return Buffer.concat(fields.flatMap(([name, value]) => [Buffer.from([0]), text(name), text(value)]))
}

function text(value: string): Buffer {
  const bytes = Buffer.from(value, 'latin1')
  return Buffer.concat([integer(bytes.length), bytes])
}

/** With a prefix of 7 bits (RFC 7541 5.1). */
function integer(value: number): Buffer {
  if (value < 127) return Buffer.from([value])
  const bytes = [127]
  let rest = value - 127
  for (; rest >= 128; rest >>= 7) bytes.push((rest & 127) | 128)
  return Buffer.from([...bytes, rest])
}
