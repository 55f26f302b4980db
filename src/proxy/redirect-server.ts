/** `--redirect-port`: tells plain HTTP clients to come back over HTTPS, and authorities what they ask for. */
import type { Server } from 'node:http'
import { http } from '../http/node-http.ts'

export interface RedirectServerOptions {
  /** Asked at each request, as the public port may be chosen by the system. */
  toPort(): number
  /** HTTP-01 (RFC 8555, 8.3): authorities ask over plain HTTP. */
  findChallenge(token: string): Promise<string | undefined>
}

const CHALLENGE = /^\/\.well-known\/acme-challenge\/([^/?#]+)$/

export function createRedirectServer({ toPort, findChallenge }: RedirectServerOptions): Server {
  return http.createServer({ requireHostHeader: false }, async (req, res) => {
    req.resume()
    const token = CHALLENGE.exec(req.url ?? '')?.[1]
    const challenge = token && (await findChallenge(token))
    if (challenge) {
      res.writeHead(200, { 'Content-Type': 'application/octet-stream' }).end(challenge)
      return
    }
    const host = req.headers.host?.replace(/:\d*$/, '')
    if (!host || !/^[\w.-]+$|^\[[\da-f:.]+\]$/i.test(host)) {
      res.writeHead(400, { 'Content-Type': 'text/plain' })
      res.end(
        `This server speaks HTTPS only, on port ${toPort()}, and the request does not name a host to redirect to.\n`,
      )
      return
    }
    const port = toPort() === 443 ? '' : `:${toPort()}`
    const path = req.url?.startsWith('/') ? req.url : '/'
    res.writeHead(301, { Location: `https://${host}${port}${path}` }).end()
  })
}
