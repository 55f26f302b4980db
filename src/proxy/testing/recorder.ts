/**
 * An upstream that shows what reached it: the raw bytes, and what Node's strict parser reads in them. What it cannot read
 * is a fault of the proxy, whatever the client sent.
 */
import http from 'node:http'
import type { AddressInfo, Socket } from 'node:net'

export interface RecordedRequest {
  readonly method: string
  readonly url: string
  readonly rawHeaders: readonly string[]
  /** By name in lower case, as Node joins them. */
  readonly headers: http.IncomingHttpHeaders
  readonly body: string
  readonly trailers: NodeJS.Dict<string>
}

export interface Recorder extends AsyncDisposable {
  readonly url: string
  readonly port: number
  /** Requests that arrived whole, body included. */
  readonly requests: RecordedRequest[]
  /** Targets of requests whose head arrived, in the order of arrival. */
  readonly begun: string[]
  /** What the strict parser refused. */
  readonly faults: Error[]
  /** All bytes of all connections, as latin1. */
  readonly raw: string
  readonly sockets: Set<Socket>
  forget(): void
}

export async function startRecorder(): Promise<Recorder> {
  const requests: RecordedRequest[] = []
  const begun: string[] = []
  const faults: Error[] = []
  const sockets = new Set<Socket>()
  let raw = ''
  const server = http.createServer({ insecureHTTPParser: false, maxHeaderSize: 256 * 1024 }, (req, res) => {
    begun.push(req.url!)
    const chunks: Buffer[] = []
    req.on('data', chunk => chunks.push(chunk))
    req.on('end', () => {
      const { method, url, rawHeaders, headers, trailers } = req
      requests.push({
        method: method!,
        url: url!,
        rawHeaders,
        headers,
        body: Buffer.concat(chunks).toString('latin1'),
        trailers,
      })
      res.end(`seen ${url}`)
    })
  })
  server.maxHeadersCount = 0
  server.on('connection', (socket: Socket) => {
    sockets.add(socket)
    socket.on('data', chunk => {
      raw += chunk.toString('latin1')
    })
    socket.once('close', () => sockets.delete(socket))
  })
  server.on('clientError', (error: NodeJS.ErrnoException, socket) => {
    if (error.code !== 'ECONNRESET' && error.code !== 'HPE_INVALID_EOF_STATE') faults.push(error) // the proxy broke off
    socket.destroy()
  })
  await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve))
  const { port } = server.address() as AddressInfo // a TCP server that listens
  return {
    port,
    url: `http://127.0.0.1:${port}`,
    requests,
    begun,
    faults,
    sockets,
    get raw() {
      return raw
    },
    forget() {
      requests.length = begun.length = faults.length = 0
      raw = ''
    },
    async [Symbol.asyncDispose]() {
      server.closeAllConnections()
      for (const socket of sockets) socket.destroy()
      await new Promise(resolve => server.close(resolve))
    },
  }
}
