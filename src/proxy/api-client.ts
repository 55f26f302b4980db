/**
 * The hub's way to talk to a proxy: this project's or the released configurable-http-proxy.
 *
 * Route specs are JupyterHub's: they end with a slash, begin with one (`/user/ann/`) or with a host
 * (`ann.example.org/user/ann/`), and are percent-escaped. Proxies keep paths decoded and without the last slash.
 */
import { setTimeout as sleep } from 'node:timers/promises'
import { HubError } from '../core/errors.ts'
import { timedAbort } from '../core/linked-abort.ts'
import type { ClientTls } from '../pki/internal/client-tls.ts'
import { type ApiAnswer, type ApiRequest, sendApiRequest } from './api-request.ts'
import { INSTANCE_HEADER } from './instance-header.ts'
import type { CertificateReport } from './tls/certificate-report.ts'

export interface ProxyRoute {
  readonly routespec: string
  /** `http://127.0.0.1:54321`, without a path. */
  readonly target: string
  /** What the hub wrote beside it, such as `{ user, server_name }`, `{ hub: true }`, `{ service }`. */
  readonly data: Readonly<Record<string, unknown>>
  /** Last traffic that the proxy saw. */
  readonly lastActivity: Date
}

/** Which run of the proxy answered; undefined for one that does not tell, such as configurable-http-proxy. */
export type ProxyInstance = string | undefined

/** Every call throws HubError `proxy_unreachable` (no answer) or `proxy_refused` (an answer that is not the expected). */
export interface ProxyApi {
  /** By route spec; only routes that a hub made, as JupyterHub does it (they carry `jupyterhub: true`). */
  getRoutes(signal?: AbortSignal): Promise<Map<string, ProxyRoute>>
  addRoute(routespec: string, target: string, data: Record<string, unknown>, signal?: AbortSignal): Promise<void>
  /** A route that is not there is as good as deleted. */
  deleteRoute(routespec: string, signal?: AbortSignal): Promise<void>
  /** What is known of its certificate; undefined for one that speaks no HTTPS, or does not tell. */
  certificate(signal?: AbortSignal): Promise<CertificateReport | undefined>
  /** Answers while the proxy does; costs it next to nothing, whatever the number of its routes. */
  ping(signal?: AbortSignal): Promise<ProxyInstance>
}

const TIMEOUT_MS = 10_000

export function proxyApi(options: {
  /** `http://127.0.0.1:8001`, without `/api/routes`. */
  url: string
  token: string
  /** Whether route specs begin with a host. */
  hostRouting?: boolean
  /** For an API with internal TLS, whose URL says `https`. */
  tls?: (() => ClientTls) | undefined
  /** For each call. */
  timeoutMs?: number
}): ProxyApi {
  const { url, token, tls, hostRouting = false, timeoutMs = TIMEOUT_MS } = options
  const root = `${url.replace(/\/+$/, '')}/api/`

  async function call(
    method: 'GET' | 'POST' | 'DELETE',
    path: string,
    expected: readonly number[],
    how: { body?: unknown; signal?: AbortSignal | undefined; api?: 'certificate' },
  ): Promise<ApiAnswer> {
    const timed = timedAbort(timeoutMs, how.signal)
    const request: ApiRequest = {
      method,
      headers: { Authorization: `token ${token}` },
      signal: timed.signal,
      body: how.body,
      tls: tls?.(),
    }
    const address = `${root}${how.api ?? 'routes'}${path}`
    let answer: ApiAnswer
    try {
      // A kept connection may have been closed by a proxy that restarted: all three methods may be repeated.
      answer = await sendApiRequest(address, request).catch(async error => {
        if (request.signal.aborted) throw error
        await sleep(RETRY_MS, undefined, { signal: request.signal })
        return sendApiRequest(address, request)
      })
    } catch (error) {
      how.signal?.throwIfAborted()
      throw new HubError('proxy_unreachable', {
        status: 503,
        message: `The proxy does not answer at ${url}.`,
        nextStep: 'Check that the proxy is running and that its API address is right.',
        detail: { method, path },
        cause: error,
      })
    } finally {
      timed.unlink()
    }
    if (expected.includes(answer.status)) return answer
    throw new HubError('proxy_refused', {
      status: 502,
      message:
        answer.status === 403
          ? 'The proxy refused the hub’s token.'
          : `The proxy answered ${answer.status} instead of changing its routes.`,
      nextStep:
        answer.status === 403
          ? 'Give hub and proxy the same CONFIGPROXY_AUTH_TOKEN.'
          : 'Check that the API address belongs to a proxy of this hub.',
      detail: { method, path, status: answer.status, body: answer.text.slice(0, 500) },
    })
  }

  return {
    async getRoutes(signal) {
      const table = routeTable(await call('GET', '', [200], { signal }))
      if (table === null)
        throw new HubError('proxy_refused', { status: 502, message: 'The proxy sent no route table.' })
      const routes = Object.entries(table).flatMap(([path, record]) => {
        const { target, jupyterhub, last_activity: lastActivity, host: _host, ...data } = record
        if (jupyterhub !== true) return []
        const routespec = fromProxyPath(path, hostRouting)
        return [{ routespec, target: String(target), data, lastActivity: new Date(String(lastActivity)) }]
      })
      return new Map(routes.map(route => [route.routespec, route]))
    },
    async addRoute(routespec, target, data, signal) {
      const body = { ...data, target, jupyterhub: true }
      await call('POST', toProxyPath(routespec), [201], { body, signal })
    },
    async deleteRoute(routespec, signal) {
      await call('DELETE', toProxyPath(routespec), [204, 404], { signal })
    },
    async certificate(signal) {
      const answer = await call('GET', '', [200, 404], { signal, api: 'certificate' })
      return answer.status === 200 ? (JSON.parse(answer.text) as CertificateReport) : undefined // the proxy's own
    },
    async ping(signal) {
      const { headers } = await call('GET', '?inactiveSince=1970-01-01T00:00:00.000Z', [200], { signal })
      return headers[INSTANCE_HEADER] as ProxyInstance // only set-cookie comes as a list
    },
  }
}

const RETRY_MS = 50

function routeTable({ text }: ApiAnswer): Record<string, Record<string, unknown>> | null {
  try {
    return JSON.parse(text) as Record<string, Record<string, unknown>> | null // the REST API's shape
  } catch {
    return null
  }
}

/** `/user/ann/` -> `/user/ann`, `host/user/ann/` -> `/host/user/ann`, `/` -> `/`. */
export function toProxyPath(routespec: string): string {
  const path = routespec.startsWith('/') ? routespec : `/${routespec}`
  return path === '/' ? path : path.replace(/\/+$/, '')
}

/** The reverse, with the escapes of Python's `quote(path, safe='@/~')`, by which JupyterHub makes its route specs. */
export function fromProxyPath(path: string, hostRouting: boolean): string {
  const escaped = encodeURIComponent(path)
    .replace(/%2F/g, '/')
    .replace(/%40/g, '@')
    .replace(/[!'()*]/g, char => `%${char.charCodeAt(0).toString(16).toUpperCase()}`)
  const spec = hostRouting ? escaped.replace(/^\/+/, '') : escaped
  return spec.endsWith('/') ? spec : `${spec}/`
}
