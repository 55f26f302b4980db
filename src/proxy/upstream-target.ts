/**
 * Where a route leads: `http://host:port/path`, `https://...`, or a Unix socket written `http+unix://%2Frun%2Fa.sock`
 * (`unix+http://` means the same; both as configurable-http-proxy 5.2 has them).
 */
export interface UpstreamTarget {
  readonly href: string
  readonly secure: boolean
  /** Name or address to connect to, IPv6 without brackets; `localhost` for a socket. */
  readonly hostname: string
  readonly port: number
  readonly socketPath: string | undefined
  /** What `Host` is with `--change-origin`: as in the URL, the port left out when it is the scheme's own. */
  readonly host: string
  /** Path and query that are put before the request's, at least `/`. */
  readonly path: string
  readonly search: string
}

/** Returns undefined when `target` is not a URL or its scheme is none of the above. */
export function parseUpstreamTarget(target: string): UpstreamTarget | undefined {
  if (!URL.canParse(target)) return undefined
  const url = new URL(target)
  const scheme = url.protocol.slice(0, -1)
  const common = { href: target, path: url.pathname || '/', search: url.search }

  if (scheme === 'http+unix' || scheme === 'unix+http') {
    const socketPath = decodeSocketPath(url.host)
    if (!socketPath) return undefined
    return { ...common, secure: false, hostname: 'localhost', port: 80, socketPath, host: 'localhost' }
  }
  if (scheme !== 'http' && scheme !== 'https') return undefined
  const secure = scheme === 'https'
  const hostname = url.hostname.replace(/^\[|\]$/g, '')
  return {
    ...common,
    secure,
    hostname,
    port: Number(url.port || (secure ? 443 : 80)),
    socketPath: undefined,
    host: url.host,
  }
}

function decodeSocketPath(host: string): string | undefined {
  try {
    return decodeURIComponent(host) || undefined
  } catch {
    return undefined
  }
}
