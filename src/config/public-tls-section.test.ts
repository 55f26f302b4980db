import assert from 'node:assert/strict'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, describe, it } from 'node:test'
import { dataPaths } from '../app/data-folder.ts'
import { publicTlsFlags, publicTlsSecrets } from '../app/public-tls.ts'
import { HubError } from '../core/errors.ts'
import { loadConfig } from './load-config.ts'

const folder = mkdtempSync(join(tmpdir(), 'orrery-tls-'))

async function load(config: object) {
  const path = join(folder, 'orrery.config.json')
  writeFileSync(path, JSON.stringify(config))
  return loadConfig({ path, env: { XDG_DATA_HOME: '/data' }, folder })
}

async function faultsOf(tls: object, more: object = {}): Promise<string> {
  const error = await load({ proxy: { tls }, ...more }).then(
    () => assert.fail('taken'),
    error => error,
  )
  assert.ok(error instanceof HubError, String(error))
  return error.message
}

describe('proxy.tls', () => {
  after(() => rmSync(folder, { recursive: true }))

  it('makes the public address one of https, wherever it listens', async () => {
    const config = await load({ bindUrl: 'http://:8000', proxy: { tls: { selfSigned: true } } })

    assert.equal(config.bindUrl, 'https://:8000')
    assert.equal(config.publicUrl, 'https://127.0.0.1:8000/')
  })

  it('hands files to the proxy, those of JupyterHub too, and keeps passphrases out of the command line', async () => {
    const tls = { key: 'hub.key', cert: 'hub.pem', keyPassphrase: 'very secret', redirectPort: 80 }
    const config = await load({ proxy: { tls } })

    assert.deepEqual(publicTlsFlags(config), {
      redirectPort: 80,
      sslKey: join(folder, 'hub.key'),
      sslCert: join(folder, 'hub.pem'),
    })
    assert.deepEqual(publicTlsSecrets(config), { CONFIGPROXY_SSL_KEY_PASSPHRASE: 'very secret' })
  })

  it('asks an authority for the name that people type', async () => {
    const acme = { enabled: true, staging: true, email: 'ops@example.org' }
    const config = await load({ publicUrl: 'https://Hub.example.org/', proxy: { tls: { acme, redirectPort: 80 } } })

    assert.deepEqual(publicTlsFlags(config), {
      redirectPort: 80,
      sslName: ['hub.example.org'],
      sslFolder: join(dataPaths(config.dataDir).hub, 'tls'),
      acme: true,
      acmeEmail: 'ops@example.org',
      acmeStaging: true,
    })
  })

  it('makes a certificate for the hosts of servers too, where they have their own', async () => {
    const config = await load({ subdomainHost: 'https://hub.internal', proxy: { tls: { selfSigned: true } } })

    assert.partialDeepStrictEqual(publicTlsFlags(config), { sslName: ['hub.internal', '*.hub.internal'] })
  })

  for (const [tls, more, expected] of [
    [{ key: '/a' }, {}, /proxy\.tls\.cert: expected a file/],
    [{ key: '/a', cert: '/b', selfSigned: true }, {}, /proxy\.tls\.selfSigned: expected false/],
    [{ selfSigned: true, acme: { enabled: true } }, {}, /proxy\.tls\.acme\.enabled: expected false/],
    [{ redirectPort: 80 }, {}, /proxy\.tls\.redirectPort: expected none/],
    [{ acme: { enabled: true } }, {}, /proxy\.tls\.names: expected the names that people type/],
    [{ acme: { enabled: true }, names: ['*.a.org'] }, {}, /proxy\.tls\.names: expected names without \*/],
    [{ acme: { enabled: true, challenge: 'http-01' }, names: ['a.org'] }, {}, /challenge: expected redirectPort/],
    [{ acme: { enabled: true, eabKeyId: 'x' }, names: ['a.org'] }, {}, /expected both or none/],
  ] as const) {
    it(`refuses ${JSON.stringify(tls)}`, async () => assert.match(await faultsOf(tls, more), expected))
  }

  it('leaves what only its own proxy can to its own proxy', async () => {
    const error = await load({ proxy: { command: ['configurable-http-proxy'], tls: { selfSigned: true } } }).then(
      () => assert.fail('taken'),
      error => error,
    )
    assert.match(error.message, /proxy\.tls\.selfSigned: expected false with proxy\.command/)
  })
})
