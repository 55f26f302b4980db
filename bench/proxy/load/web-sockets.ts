/** WebSockets over bare sockets: one masked frame of 100 bytes there and back at a time, or silence. */
import net, { type Socket } from 'node:net'

const FRAME = Buffer.concat([Buffer.from([0x82, 0x80 | 100, 1, 2, 3, 4]), Buffer.alloc(100, 'x')])

/** Opened before the measure begins, so that only messages are counted. */
export async function openWebSockets(port: number, path: string, count: number): Promise<Socket[]> {
  const sockets: Socket[] = []
  while (sockets.length < count) {
    const some = Array.from({ length: Math.min(50, count - sockets.length) }, () => openOne(port, path))
    sockets.push(...(await Promise.all(some)))
  }
  return sockets
}

export async function echoMessages(sockets: readonly Socket[], messages: number): Promise<void> {
  let left = messages
  await Promise.all(sockets.map(echo))

  function echo(socket: Socket): Promise<void> {
    return new Promise((resolve, reject) => {
      let received = 0
      const send = () => {
        if (left-- > 0) return void socket.write(FRAME)
        socket.off('data', onData)
        resolve()
      }
      const onData = (chunk: Buffer) => {
        if (!chunk.equals(FRAME.subarray(received, received + chunk.length)))
          reject(new Error('another frame came back'))
        received += chunk.length
        if (received < FRAME.length) return
        received = 0
        send()
      }
      socket.on('data', onData)
      send()
    })
  }
}

export function closeWebSockets(sockets: readonly Socket[]): Promise<unknown> {
  return Promise.all(
    sockets.map(
      socket =>
        new Promise(resolve => {
          socket.once('close', resolve)
          socket.destroy()
        }),
    ),
  )
}

function openOne(port: number, path: string): Promise<Socket> {
  return new Promise((resolve, reject) => {
    const socket = net.connect({ port, host: '127.0.0.1', noDelay: true })
    let text = ''
    const onData = (chunk: Buffer) => {
      text += chunk.toString('latin1')
      if (!text.endsWith('\r\n\r\n')) return
      socket.off('data', onData)
      if (text.startsWith('HTTP/1.1 101 ')) resolve(socket)
      else reject(new Error(`the upgrade was answered ${text}`))
    }
    socket.on('error', reject)
    socket.on('data', onData)
    socket.write(
      `GET ${path}/ws HTTP/1.1\r\nHost: hub.example.org\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n`,
    )
  })
}
