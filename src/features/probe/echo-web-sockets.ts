/** WebSockets that give back what they get, for whoever has a key. */
import type { IncomingMessage } from 'node:http'
import type { Duplex } from 'node:stream'
import type { WebSocketServer } from 'ws'

const MAX_MESSAGE_BYTES = 64 * 1024
/** A probe that waits for a timeout of a program in front takes minutes. */
const LIFETIME_MS = 15 * 60_000

export interface EchoWebSockets {
  readonly upgrade: (request: IncomingMessage, socket: Duplex, head: Buffer) => void
  close(): void
}

export function echoWebSockets(isKnown: (request: IncomingMessage) => boolean): EchoWebSockets {
  let opening: Promise<WebSocketServer> | undefined
  let server: WebSocketServer | undefined
  const open = async () => {
    // Loaded when somebody tries: no hub needs it to run.
    const { WebSocketServer } = await import('ws')
    server = new WebSocketServer({ noServer: true, maxPayload: MAX_MESSAGE_BYTES })
    return server
  }

  return {
    upgrade(request, socket, head) {
      socket.on('error', () => socket.destroy())
      if (!isKnown(request))
        return void socket.end('HTTP/1.1 404 Not Found\r\nConnection: close\r\nContent-Length: 0\r\n\r\n')
      opening ??= open()
      opening.then(
        ready =>
          ready.handleUpgrade(request, socket, head, peer => {
            const end = setTimeout(() => peer.terminate(), LIFETIME_MS).unref()
            peer.on('message', (data, isBinary) => peer.send(data, { binary: isBinary }))
            peer.on('error', () => peer.terminate())
            peer.on('close', () => clearTimeout(end))
          }),
        () => socket.destroy(),
      )
    },
    close() {
      for (const client of server?.clients ?? []) client.terminate()
    },
  }
}
