/** A proxy that can be taken down and comes back with an empty table at the same address. */
import { silentLogger } from '../core/runtime.ts'
import { proxyApi } from '../proxy/api-client.ts'
import { type RunningProxy, startProxy } from '../proxy/start-proxy.ts'

const TOKEN = 'proxy-token'

export interface TestProxy extends AsyncDisposable {
  readonly url: string
  /** Where browsers connect. */
  readonly publicUrl: string
  readonly api: ReturnType<typeof proxyApi>
  specs(): Promise<string[]>
  down(): Promise<void>
  up(): Promise<void>
}

export async function startTestProxy(): Promise<TestProxy> {
  let running: RunningProxy | undefined = await open(0, 0)
  const ports = { public: running.publicAddress.port, api: running.apiAddress.port }
  const url = running.apiAddress.url
  const api = proxyApi({ url, token: TOKEN, timeoutMs: 2_000 })
  const down = async () => {
    await running?.close()
    running = undefined
  }
  return {
    url,
    publicUrl: running.publicAddress.url,
    api,
    specs: async () => [...(await api.getRoutes()).keys()].sort(),
    down,
    up: async () => {
      running ??= await open(ports.public, ports.api)
    },
    [Symbol.asyncDispose]: down,
  }
}

function open(publicPort: number, apiPort: number): Promise<RunningProxy> {
  return startProxy({
    listen: { host: '127.0.0.1', port: publicPort },
    api: { host: '127.0.0.1', port: apiPort },
    authToken: TOKEN,
    log: silentLogger,
  })
}
