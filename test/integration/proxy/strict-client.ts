import http from 'node:http'
import type { AddressInfo } from 'node:net'
import net from 'node:net'

export interface StrictReading {
  /** How many final responses there are. */
  readonly responses: number
  readonly status: number
  readonly body: string
  readonly complete: boolean
  readonly headers: http.IncomingHttpHeaders
  /** The parser refused something behind the head, be it the body or what follows it. */
  readonly faulty: boolean
}

/** What Node's strict parser reads in the bytes of one connection, which the server then ended. */
export async function readStrictly(bytes: string, method: string): Promise<StrictReading> {
  const server = net.createServer(socket => {
    socket.on('error', () => {})
    socket.once('data', () => socket.end(Buffer.from(bytes, 'latin1')))
  })
  await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve))
  const { port } = server.address() as AddressInfo // a TCP server that listens
  try {
    return await new Promise((resolve, reject) => {
      const options = { port, host: '127.0.0.1', method, agent: false, insecureHTTPParser: false }
      let head: http.IncomingMessage | undefined
      const request = http.request(options, response => {
        head = response
        const chunks: Buffer[] = []
        response.on('error', () => {}) // broken off: `complete` tells
        response.on('data', chunk => chunks.push(chunk))
        response.on('close', () => {
          const body = Buffer.concat(chunks).toString('latin1')
          const status = response.statusCode ?? 0
          resolve({
            responses: countFinal(bytes),
            status,
            body,
            complete: response.complete,
            headers: response.headers,
            faulty: false,
          })
        })
      })
      request.on('error', error => {
        if (!head) return reject(new Error(`a strict client refuses ${JSON.stringify(bytes)}`, { cause: error }))
        const { statusCode: status = 0, headers } = head
        resolve({ responses: countFinal(bytes), status, body: '', complete: false, headers, faulty: true })
      })
      request.end()
    })
  } finally {
    server.close()
  }
}

function countFinal(bytes: string): number {
  return bytes.match(/HTTP\/1\.[01] [2-5]\d\d/g)?.length ?? 0
}
