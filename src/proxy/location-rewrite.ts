/** `--auto-rewrite` and `--protocol-rewrite`: redirects that name the upstream itself are made to name the proxy. */
import type { UpstreamTarget } from './upstream-target.ts'

export interface RewriteSettings {
  readonly autoRewrite: boolean
  readonly protocolRewrite: string | undefined
}

const REDIRECTS = new Set([201, 301, 302, 307, 308])

/** `lines` of a response's head, its Location rewritten. One of another host is left alone. */
export function rewriteLocation(
  lines: string,
  status: number,
  upstream: UpstreamTarget,
  clientHost: string | undefined,
  settings: RewriteSettings,
): string {
  if (!settings.autoRewrite && settings.protocolRewrite === undefined) return lines
  if (!REDIRECTS.has(status)) return lines
  return lines.replace(LOCATION, (line, name: string, location: string) => {
    if (!URL.canParse(location)) return line
    const url = new URL(location)
    if (url.host !== upstream.host) return line
    if (settings.autoRewrite && clientHost) {
      url.port = ''
      url.host = clientHost
    }
    if (settings.protocolRewrite) url.protocol = settings.protocolRewrite
    return `${name}: ${url}\r\n`
  })
}

const LOCATION = /^(location):[ \t]*(\S+)[ \t]*\r\n/gim
