/**
 * Opens requests to upstreams. Sockets are kept and used again; an idle one is closed after four seconds, before the
 * usual servers (uvicorn and Node: five) would close it under a request that is just being sent.
 */
import type { AgentOptions, ClientRequest } from 'node:http'
import type { AgentOptions as TlsAgentOptions } from 'node:https'
import { isIP } from 'node:net'
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
  /** Upgrades take a socket of their own, which may stay half open. */
  readonly upgrade: boolean
}

export interface UpstreamConnections {
  request(target: UpstreamTarget, request: UpstreamRequest): ClientRequest
  /** Ends idle sockets; those in use belong to their requests. */
  close(): void
}

export const MAX_HEADER_BYTES = 64 * 1024 // what tornado accepts, so that nothing fits one side only
const IDLE_SOCKET_MS = 4000

export function createUpstreamConnections(options: {
  insecure: boolean
  tls?: UpstreamTls | undefined
}): UpstreamConnections {
  const tls = { ...options.tls, rejectUnauthorized: !options.insecure }
  const pooled = { keepAlive: true, timeout: IDLE_SOCKET_MS }
  const agents = {
    plain: new http.Agent(pooled),
    secure: new https.Agent({ ...pooled, ...tls }),
    plainUpgrade: new http.Agent({ keepAlive: false, allowHalfOpen: true } as AgentOptions), // passed on to net.connect
    secureUpgrade: new https.Agent({ keepAlive: false, allowHalfOpen: true, ...tls } as TlsAgentOptions), // likewise
  }

  return {
    request(target, { method, path, headers, upgrade }) {
      const common = {
        method,
        path,
        headers,
        setHost: false,
        insecureHTTPParser: false,
        maxHeaderSize: MAX_HEADER_BYTES,
        ...(target.socketPath === undefined
          ? { host: target.hostname, port: target.port }
          : { socketPath: target.socketPath }),
      }
      const request = target.secure
        ? https.request({
            ...common,
            agent: upgrade ? agents.secureUpgrade : agents.secure,
            servername: isIP(target.hostname) ? '' : target.hostname,
          })
        : http.request({ ...common, agent: upgrade ? agents.plainUpgrade : agents.plain })
      request.maxHeadersCount = 0 // bounded by maxHeaderSize; Node would drop what is beyond 2000 silently
      return request
    },
    close() {
      for (const agent of Object.values(agents)) agent.destroy()
    },
  }
}
