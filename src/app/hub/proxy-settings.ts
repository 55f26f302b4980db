import type { Config } from '../../config/schema.ts'
import { proxyTlsFlags } from '../internal-tls.ts'
import { listenOf } from '../ports.ts'
import { publicTlsFlags } from '../public-tls.ts'

/** What a config says to the proxy, under the names that its flags have in the program. */
export function proxySettings(config: Config) {
  const listen = listenOf(config.bindUrl)
  const api = listenOf(config.proxy.apiUrl)
  return {
    ip: listen.host,
    port: listen.port,
    apiIp: api.host,
    apiPort: api.port,
    errorTarget: `${config.hub.connectUrl}${config.baseUrl}hub/error`,
    logLevel: config.log.level,
    ...proxyTlsFlags(config),
    ...publicTlsFlags(config),
    // Another program does not know it.
    ...(config.proxy.workers > 1 && config.proxy.command === undefined && { workers: config.proxy.workers }),
    ...(config.subdomainHost !== undefined && { hostRouting: true }),
  }
}
