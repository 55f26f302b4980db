/** Servers with or without TLS as the proxy's parts open and close them. */
import type { RequestListener, Server, ServerOptions } from 'node:http'
import type { Server as TlsServer, ServerOptions as TlsServerOptions } from 'node:https'
import type { Server as NetServer } from 'node:net'
import { http, https } from '../http/node-http.ts'

export type HttpServer = Server | TlsServer

export function createServer(
  tls: TlsServerOptions | undefined,
  options: ServerOptions,
  handler: RequestListener,
): HttpServer {
  return tls ? https.createServer({ ...options, ...tls }, handler) : http.createServer(options, handler)
}

/** Stops listening; resolves when the last connection has ended. */
export function closeServer(server: NetServer): Promise<void> {
  return new Promise(resolve => server.close(() => resolve()))
}

export function countConnections(server: NetServer): Promise<number> {
  return new Promise(resolve => server.getConnections((_error, count) => resolve(count)))
}
