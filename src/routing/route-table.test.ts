import { silentLogger } from '../core/runtime.ts'
import { startProxy } from '../proxy/start-proxy.ts'
import { spawnProxy, TOKEN } from '../proxy/testing/spawn-proxy.ts'
import { routeTableContract } from './route-table-contract.ts'

routeTableContract('this proxy', async defaultTarget => {
  const any = { host: '127.0.0.1', port: 0 }
  const proxy = await startProxy({ listen: any, api: any, authToken: TOKEN, defaultTarget, log: silentLogger })
  return {
    publicUrl: proxy.publicAddress.url,
    apiUrl: proxy.apiAddress.url,
    token: TOKEN,
    stop: () => proxy.close(),
  }
})

routeTableContract('configurable-http-proxy', async defaultTarget => {
  const proxy = await spawnProxy('configurable-http-proxy', ['--default-target', defaultTarget])
  return { publicUrl: proxy.url, apiUrl: proxy.apiUrl, token: TOKEN, stop: () => proxy.stop() }
})
