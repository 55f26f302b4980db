import type { Server } from 'node:http'
import { http } from '../http/node-http.ts'
/** `--redirect-port`: tells plain HTTP clients to come back over HTTPS. */

/** @param toPort asked at each request, as the public port may be chosen by the system */
export function createRedirectServer(toPort: () => number): Server {
  return http.createServer({ requireHostHeader: false }, (req, res) => {
    req.resume()
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
