/** One HTTP request to a server that may not listen yet. */
import { timedAbort } from '../core/linked-abort.ts'
import { http, https } from '../http/node-http.ts'
import type { ClientTls } from '../pki/internal/client-tls.ts'
import type { Address } from '../plugin/spawner.ts'
import { reachableHost } from '../routing/server-target.ts'

export interface ServerAnswer {
  readonly status: number
  /** `X-JupyterHub-Version`: absent from programs that know no hub. */
  readonly version: string | undefined
}

export interface AskOptions {
  /** `/user/alice/api`. */
  readonly path: string
  readonly timeoutMs: number
  readonly signal: AbortSignal
  /** For a server with internal TLS. */
  readonly tls?: ClientTls | undefined
  /** Told when there is no answer. */
  readonly onFault?: (fault: AskFault) => void
}

/** Nobody listens; somebody does, without an answer in time; the connection was ended before one. */
export type AskFault = 'refused' | 'silent' | 'broken'

/** Undefined when nothing answers in time. Redirects are answers, they are not followed. */
export function askServer(
  address: Address,
  { path, timeoutMs, signal, tls, onFault }: AskOptions,
): Promise<ServerAnswer | undefined> {
  const { promise, resolve } = Promise.withResolvers<ServerAnswer | undefined>()
  const timed = timedAbort(timeoutMs, signal)
  const end = (answer?: ServerAnswer) => {
    timed.unlink()
    resolve(answer)
  }
  let isConnected = false
  const options = { ...connectionTo(address, tls), path, signal: timed.signal }
  const request = (address.proto === 'https' ? https : http).get(options, response => {
    const version = response.headers['x-jupyterhub-version']
    end({ status: response.statusCode ?? 0, version: Array.isArray(version) ? version[0] : version })
    response.destroy()
  })
  request.on('error', error => {
    if (!signal.aborted) onFault?.(faultOf(error, timed.signal.aborted && isConnected))
    end()
  })
  request.on('socket', socket => socket.once('connect', () => (isConnected = true)))
  return promise
}

function faultOf(error: NodeJS.ErrnoException, isSilent: boolean): AskFault {
  if (isSilent) return 'silent'
  return ['ECONNRESET', 'EPIPE', 'EPROTO', 'HPE_INVALID_CONSTANT'].includes(error.code ?? '') ? 'broken' : 'refused'
}

/** Options of `http.request` or `https.request` that lead to a server, each time through a connection of its own. */
export function connectionTo(address: Address, tls?: AskOptions['tls']) {
  const target =
    address.proto === 'http+unix'
      ? { socketPath: address.host }
      : { host: reachableHost(address.host), port: address.port }
  return { ...target, ...(address.proto === 'https' && tls), agent: false as const }
}
