/** The head of a request as the upstream gets it. */
import type { ExchangeClient } from './exchange-client.ts'
import type { FieldRules, RequestHead } from './http1/request-head.ts'
import type { FoundRoute } from './match-route.ts'

export interface HeaderSettings {
  readonly xForward: boolean
  readonly changeOrigin: boolean
  readonly customHeaders: Readonly<Record<string, string>>
}

/** What follows from the settings for every request. */
export interface PreparedFields {
  readonly rules: FieldRules
  readonly changeOrigin: boolean
  readonly replacesHost: boolean
  /** `customHeaders` as lines. */
  readonly customLines: string
}

export function prepareFields({ xForward, changeOrigin, customHeaders }: HeaderSettings): PreparedFields {
  const names = Object.keys(customHeaders).map(name => name.toLowerCase())
  return {
    rules: { takeForwarded: xForward, replaced: names.length > 0 ? new Set(names) : undefined },
    changeOrigin,
    replacesHost: names.includes('host'),
    customLines: Object.entries(customHeaders)
      .map(([name, value]) => `${name}: ${value}\r\n`)
      .join(''),
  }
}

const BODILESS_METHODS = new Set(['GET', 'HEAD', 'DELETE', 'OPTIONS', 'TRACE'])

/** Complete, with the empty line; latin-1. */
export function upstreamHead(
  head: RequestHead,
  { route, path, authority }: FoundRoute,
  client: ExchangeClient,
  prepared: PreparedFields,
): string {
  const { upstream } = route
  const host = authority ?? head.host
  let text = `${head.method} ${path} HTTP/1.1\r\n`
  if (!prepared.replacesHost) text += `Host: ${prepared.changeOrigin ? upstream.host : (host ?? upstream.host)}\r\n`
  text += head.lines
  if (prepared.rules.takeForwarded) text += forwardedLines(head, host, client)
  text += prepared.customLines
  if (head.upgrade !== undefined) return `${text}Connection: Upgrade\r\nUpgrade: ${head.upgrade}\r\n\r\n`
  if (head.body === 'chunked') text += 'Transfer-Encoding: chunked\r\n'
  else if (!head.hasLength && !BODILESS_METHODS.has(head.method)) text += 'Content-Length: 0\r\n'
  if (head.takesTrailers) text += 'TE: trailers\r\n'
  return `${text}Connection: keep-alive\r\n\r\n`
}

/**
 * configurable-http-proxy appends to what arrived, separated by a bare comma, and calls the protocol of an upgrade
 * `ws` or `wss`; the host that the first proxy saw stays. An IPv4 client on a dual-stack socket is written as IPv4.
 */
function forwardedLines(head: RequestHead, host: string | undefined, client: ExchangeClient): string {
  const upgrade = head.upgrade !== undefined
  const { memo } = client
  const known = memo.forwardedFor
  if (head.forwarded === undefined && known && known.host === host && known.upgrade === upgrade) {
    return memo.forwardedLines
  }
  const { forwarded } = head
  const append = (before: string | undefined, value: string) => (before ? `${before},${value}` : value)
  const address = client.remoteAddress?.replace(/^::ffff:(?=\d+\.)/, '') ?? ''
  const port = /:(\d+)$/.exec(host ?? '')?.[1] ?? (client.encrypted ? '443' : '80')
  const proto = (upgrade ? 'ws' : 'http') + (client.encrypted ? 's' : '')
  const all = address === '' ? forwarded?.for : append(forwarded?.for, address)
  const first = forwarded?.host || host
  const lines =
    (all ? `X-Forwarded-For: ${all}\r\n` : '') +
    `X-Forwarded-Port: ${append(forwarded?.port, port)}\r\n` +
    `X-Forwarded-Proto: ${append(forwarded?.proto, proto)}\r\n` +
    (first ? `X-Forwarded-Host: ${first}\r\n` : '')
  if (forwarded === undefined) {
    memo.forwardedFor = { host, upgrade }
    memo.forwardedLines = lines
  }
  return lines
}
