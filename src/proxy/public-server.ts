/** The side of the proxy that browsers connect to: takes connections, plain or TLS, and can end them in order. */
import { createServer, type Server, type Socket } from 'node:net'
import { createServer as createTlsServer, type TLSSocket, type TlsOptions } from 'node:tls'
import type { ForwardContext } from './forward-context.ts'
import { ClientConnection, newClientConnections } from './http1/client-connection.ts'
import type { Http2Connection } from './http2/http2-connection.ts'

export interface PublicServer {
  /** Not listening yet. */
  readonly server: Server
  /** Connections with a request under way, upgrades not counted. */
  readonly busyConnections: number
  /** Takes a connection that speaks HTTP/1.1, whoever has accepted it. Half-open sockets are expected. */
  accept(socket: Socket, how: { encrypted: boolean }): void
  /** Stops listening; connections end after the response to the request that is under way, or the next one. */
  retire(): void
  closeIdleConnections(): void
  /** Upgraded ones among them. */
  destroyConnections(): void
}

/** @param Http2 for connections that agree on `h2`; given where it is among the protocols of `tls` */
export function createPublicServer(
  tls: TlsOptions | undefined,
  context: ForwardContext,
  Http2?: typeof Http2Connection,
): PublicServer {
  const connections = newClientConnections(context)
  const accept = (socket: Socket, how: { encrypted: boolean }): void => {
    new ClientConnection(socket, connections, how)
  }
  const common = { noDelay: true, allowHalfOpen: true }
  /** Those that have not finished their handshake are no connections yet. */
  const shakingHands = new Set<Socket>()
  let server: Server
  if (tls) {
    server = createTlsServer({ ...(!tls.ALPNCallback && { ALPNProtocols: ['http/1.1'] }), ...tls, ...common })
    server.on('connection', (socket: Socket) => {
      shakingHands.add(socket)
      socket.once('close', () => shakingHands.delete(socket))
    })
    server.on('secureConnection', (socket: TLSSocket) => {
      if (Http2 && socket.alpnProtocol === 'h2') new Http2(socket, context, connections.open)
      else accept(socket, { encrypted: true })
    })
  } else {
    server = createServer(common, socket => accept(socket, { encrypted: false }))
  }

  return {
    server,
    accept,
    get busyConnections() {
      let busy = 0
      for (const connection of connections.open) if (connection.isBusy) busy++
      return busy
    },
    retire() {
      connections.closing = true
      for (const connection of connections.open) connection.retire?.()
      if (server.listening) server.close()
    },
    closeIdleConnections() {
      for (const connection of connections.open) connection.closeIfIdle()
    },
    destroyConnections() {
      for (const connection of connections.open) connection.destroy()
      for (const socket of shakingHands) socket.destroy()
      for (const tunnel of context.tunnels) tunnel.destroy()
    },
  }
}
