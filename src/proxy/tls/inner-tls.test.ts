/** TLS of the proxy's API and towards upstreams: certificates are exchanged under a running proxy, as `orrery pki` does it. */
import assert from 'node:assert/strict'
import { once } from 'node:events'
import { createServer, type Server } from 'node:https'
import type { AddressInfo } from 'node:net'
import { after, before, describe, it } from 'node:test'
import { until } from '../../../test/support/until.ts'
import { silentLogger } from '../../core/runtime.ts'
import { AUTHORITIES } from '../../pki/internal/authorities.ts'
import { bundlePath, preparePki, retireFormer, rotateAuthorities } from '../../pki/internal/change-pki.ts'
import { componentPaths } from '../../pki/internal/component-files.ts'
import { openHubTls } from '../../pki/internal/hub-tls.ts'
import { LOCAL_NAMES, testPki } from '../../pki/internal/testing.ts'
import { proxyApi } from '../api-client.ts'
import { type ProxyFlags, proxyOptionsFrom } from '../options-from-flags.ts'
import { type RunningProxy, startProxy } from '../start-proxy.ts'

const TOKEN = 'proxy-token'
const key = { user: 'ada', server: '' }

describe('a proxy with internal TLS', () => {
  const pki = testPki()
  let proxy: RunningProxy
  const servers: Server[] = []

  before(async () => {
    await preparePki(pki)
    const [api, client] = [componentPaths(pki.folder, 'proxyApi'), componentPaths(pki.folder, 'proxyClient')]
    const flags = {
      ...{ ip: '127.0.0.1', port: 0, apiIp: '127.0.0.1', apiPort: 0, metricsIp: '', logLevel: 'info' },
      ...{
        xForward: true,
        prependPath: true,
        includePrefix: true,
        customHeader: {},
        sslName: [],
        sslFolder: '',
        http2: true,
      },
      ...{ apiSslKey: api.key, apiSslCert: api.cert, apiSslCa: bundlePath(pki.folder, 'proxy-api-ca') },
      ...{ apiSslRequestCert: true, apiSslRejectUnauthorized: true },
      ...{ clientSslKey: client.key, clientSslCert: client.cert },
      clientSslCa: bundlePath(pki.folder, 'proxy-client-ca'),
    } as ProxyFlags // as commander fills in the rest
    proxy = await startProxy(proxyOptionsFrom(flags, { CONFIGPROXY_AUTH_TOKEN: TOKEN }, silentLogger))
  })
  after(async () => {
    await proxy?.close()
    for (const server of servers) {
      server.closeAllConnections()
      server.close()
    }
    pki[Symbol.dispose]()
  })

  /** With what the authorities are now; so is the hub that tells the proxy of it. */
  async function serve(text: string): Promise<void> {
    const hub = openHubTls(pki)
    const tls = await hub.forServer(key, LOCAL_NAMES)
    const server = createServer({ ...tls, requestCert: true, rejectUnauthorized: true }, (_request, response) => {
      response.end(text)
    })
    servers.push(server)
    await once(server.listen(0, '127.0.0.1'), 'listening')
    const { port } = server.address() as AddressInfo // listens on TCP
    const api = proxyApi({ url: proxy.apiAddress.url, token: TOKEN, tls: () => hub.toProxy })
    const told = async () => {
      await api.addRoute('/user/ada/', `https://127.0.0.1:${port}`, {})
      return true
    }
    await until('the proxy takes the order', () => told().catch(() => false))
  }
  const ask = async () => (await fetch(`${proxy.publicAddress.url}/user/ada/`)).text()

  it('takes orders of the hub, and reaches servers', async () => {
    await serve('first')
    assert.equal(await ask(), 'first')
  })

  it('shows and trusts new certificates without a restart', async () => {
    await rotateAuthorities(pki, AUTHORITIES)
    await retireFormer(pki, AUTHORITIES)
    await serve('second')
    await until('the new server is reached', async () => (await ask()) === 'second')
  })

  it('takes orders of nobody else', async () => {
    using other = testPki()
    await preparePki(other)
    const hub = openHubTls(other)
    const api = proxyApi({ url: proxy.apiAddress.url, token: TOKEN, tls: () => hub.toProxy })
    await assert.rejects(api.getRoutes(), { code: 'proxy_unreachable' })
    assert.equal(await ask(), 'second')
  })
})
