import assert from 'node:assert/strict'
import { hostname } from 'node:os'
import { describe, it } from 'node:test'
import { loadConfig } from '../config/load-config.ts'
import { pkiSettings, proxyTlsFlags } from './internal-tls.ts'

const configOf = (given: object) => loadConfig({ env: {}, overrides: overridesOf(given) })

function overridesOf(given: object, path = ''): Record<string, { value: unknown; from: string }> {
  return Object.fromEntries(
    Object.entries(given).map(([name, value]) => [`${path}${name}`, { value, from: 'the test' }]),
  )
}

const on = { dataDir: '/srv/orrery', 'internalTls.enabled': true }

describe('internal TLS of a config', () => {
  it('is off unless it is asked for', async () => {
    const config = await configOf({ dataDir: '/srv/orrery' })
    assert.equal(pkiSettings(config), undefined)
    assert.deepEqual(proxyTlsFlags(config), {})
    assert.equal(config.hub.connectUrl, 'http://127.0.0.1:8081')
  })

  it('makes addresses between the parts https, and leaves the public one alone', async () => {
    const config = await configOf({
      ...on,
      'hub.bindUrl': 'http://:9081',
      'proxy.apiUrl': 'http://proxy.internal',
      'servers.hubConnectUrl': 'https://hub.internal:9081',
    })
    assert.equal(config.bindUrl, 'http://127.0.0.1:8000')
    assert.equal(config.hub.bindUrl, 'https://:9081')
    assert.equal(config.hub.connectUrl, 'https://127.0.0.1:9081')
    assert.equal(config.proxy.apiUrl, 'https://proxy.internal:80')
    assert.equal(config.servers.hubConnectUrl, 'https://hub.internal:9081')
  })

  it('puts the hosts of these addresses into the certificates', async () => {
    const config = await configOf({
      ...on,
      'hub.bindUrl': 'http://0.0.0.0:8081',
      'hub.connectUrl': 'http://10.0.0.5:8081',
      'proxy.apiUrl': 'http://[fd00::6]:8001',
      'servers.hubConnectUrl': 'http://hub.internal:8081',
      'internalTls.trustedAltNames': ['IP:10.9.9.9', 'front.internal'],
    })
    const { names, folder } = pkiSettings(config)!
    const local = ['DNS:localhost', 'IP:127.0.0.1', 'IP:::1', `DNS:${hostname()}`]
    const more = ['IP:10.9.9.9', 'DNS:front.internal']
    assert.deepEqual(names.hub, [...local, 'IP:10.0.0.5', 'DNS:hub.internal', ...more])
    assert.deepEqual(names.proxyApi, [...local, 'IP:fd00::6', ...more])
    assert.equal(folder, '/srv/orrery/hub/internal-tls')
  })

  it('leaves out the certificates of a proxy that has its own', async () => {
    const authorities = { 'proxy-api-ca': { cert: '/ca.crt' }, 'proxy-client-ca': { cert: '/ca.crt', key: '/ca.key' } }
    const given = { ...on, 'internalTls.authorities': authorities }
    assert.deepEqual(pkiSettings(await configOf({ ...given, 'proxy.external': true }))?.without, ['proxyApi'])
    assert.deepEqual(pkiSettings(await configOf(given))?.without, [])
  })

  it('refuses what is no name of a host', async () => {
    await assert.rejects(configOf({ ...on, 'internalTls.trustedAltNames': ['IP:300.1.1.1'] }), /trustedAltNames/)
    await assert.rejects(configOf({ ...on, 'internalTls.trustedAltNames': ['DNS:a b'] }), /trustedAltNames/)
  })
})
