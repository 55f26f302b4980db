/** Requests of the proxy's own, for error pages. What clients ask for goes through `http1/upstream-pool.ts`. */
import type { ClientRequest } from 'node:http'
import { isIP } from 'node:net'
import type { SecureContextOptions } from 'node:tls'
import { http, https } from '../http/node-http.ts'
import type { UpstreamTarget } from './upstream-target.ts'

/** How the proxy shows itself to `https://` upstreams and whom it trusts. PEM texts. */
export interface UpstreamTls {
  readonly key?: string | Buffer | undefined
  readonly cert?: string | Buffer | undefined
  readonly ca?: string | Buffer | undefined
  readonly passphrase?: string | undefined
}

export interface UpstreamRequest {
  readonly method: string
  /** Path with query. */
  readonly path: string
  /** Flat array of names and values, `Host` among them. */
  readonly headers: string[]
}

export interface UpstreamConnections {
  request(target: UpstreamTarget, request: UpstreamRequest): ClientRequest
  /** For connections that are opened from now on. */
  renewTls(tls: SecureContextOptions): void
  /** Ends idle sockets; those in use belong to their requests. */
  close(): void
}

const IDLE_SOCKET_MS = 4000

export function createUpstreamConnections(options: {
  insecure: boolean
  tls?: UpstreamTls | undefined
}): UpstreamConnections {
  const tls = { ...options.tls, rejectUnauthorized: !options.insecure }
  const pooled = { keepAlive: true, timeout: IDLE_SOCKET_MS }
  const agents = { plain: new http.Agent(pooled), secure: new https.Agent({ ...pooled, ...tls }) }

  return {
    request(target, { method, path, headers }) {
      const common = {
        method,
        path,
        headers,
        setHost: false,
        insecureHTTPParser: false,
        ...(target.socketPath === undefined
          ? { host: target.hostname, port: target.port }
          : { socketPath: target.socketPath }),
      }
      return target.secure
        ? https.request({
            ...common,
            agent: agents.secure,
            servername: isIP(target.hostname) ? '' : target.hostname,
          })
        : http.request({ ...common, agent: agents.plain })
    },
    renewTls(context) {
      agents.secure = new https.Agent({ ...pooled, ...context, rejectUnauthorized: !options.insecure })
    },
    close() {
      for (const agent of Object.values(agents)) agent.destroy()
    },
  }
}
