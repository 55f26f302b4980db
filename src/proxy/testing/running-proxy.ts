/** A proxy in this process, with routes set at once. */
import { silentLogger } from '../../core/runtime.ts'
import { proxyApi } from '../api-client.ts'
import { type ProxyOptions, type RunningProxy, startProxy } from '../start-proxy.ts'

export interface TestProxy extends RunningProxy, AsyncDisposable {
  readonly url: string
  readonly port: number
}

export async function startTestProxy(
  routes: Readonly<Record<string, string>>,
  options: Partial<ProxyOptions> = {},
): Promise<TestProxy> {
  const running = await startProxy({
    listen: { host: '127.0.0.1', port: 0 },
    api: { host: '127.0.0.1', port: 0 },
    log: silentLogger,
    ...options,
  })
  const api = proxyApi({ url: running.apiAddress.url, token: options.authToken ?? '' })
  for (const [routespec, target] of Object.entries(routes)) await api.addRoute(routespec, target, {})
  const { url, port } = running.publicAddress
  return { ...running, url, port, [Symbol.asyncDispose]: () => running.close() }
}
