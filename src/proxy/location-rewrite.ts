/** `--auto-rewrite` and `--protocol-rewrite`: redirects that name the upstream itself are made to name the proxy. */
import type { UpstreamTarget } from './upstream-target.ts'

export interface RewriteSettings {
  readonly autoRewrite: boolean
  readonly protocolRewrite: string | undefined
}

const REDIRECTS = new Set([201, 301, 302, 307, 308])

/** Changes `headers` (flat array) in place. A Location of another host is left alone. */
export function rewriteLocation(
  headers: string[],
  status: number,
  upstream: UpstreamTarget,
  clientHost: string | undefined,
  settings: RewriteSettings,
): void {
  if (!settings.autoRewrite && settings.protocolRewrite === undefined) return
  if (!REDIRECTS.has(status)) return
  for (let i = 0; i < headers.length; i += 2) {
    if (headers[i]!.toLowerCase() !== 'location') continue
    const location = headers[i + 1]!
    if (!URL.canParse(location)) continue
    const url = new URL(location)
    if (url.host !== upstream.host) continue
    if (settings.autoRewrite && clientHost) {
      url.port = ''
      url.host = clientHost
    }
    if (settings.protocolRewrite) url.protocol = settings.protocolRewrite
    headers[i + 1] = url.toString()
  }
}
