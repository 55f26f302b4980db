import assert from 'node:assert/strict'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, it, type TestContext } from 'node:test'
import { loadConfig } from '../../config/load-config.ts'
import { cookieOverrides, environmentSettings, pageLimits, serviceSite, spawningSettings } from './hub-settings.ts'

function load(test: TestContext, config: object) {
  const folder = mkdtempSync(join(tmpdir(), 'orrery-settings-'))
  test.after(() => rmSync(folder, { recursive: true }))
  const path = join(folder, 'orrery.config.json')
  writeFileSync(path, JSON.stringify(config))
  return loadConfig({ path, env: {}, folder })
}

describe('settings of the parts', () => {
  it('tell servers of the cookies what the hub does itself', async test => {
    const config = await load(test, { cookies: { sameSite: 'none', hostPrefix: true } })

    assert.deepEqual(cookieOverrides(config.cookies), { sameSite: 'none', secure: true })
    assert.partialDeepStrictEqual(environmentSettings(config, {}), {
      cookieHostPrefixEnabled: true,
      cookieOptions: { SameSite: 'None', Secure: true },
    })
    assert.deepEqual(environmentSettings(await load(test, {}), {}).cookieOptions, {})
  })

  it('tell servers another address of the hub than services', async test => {
    const config = await load(test, {
      hub: { bindUrl: 'http://127.0.0.1:9081' },
      servers: { hubConnectUrl: 'http://hub.internal:81/' },
    })

    assert.equal(environmentSettings(config, {}).hubUrl, 'http://hub.internal:81')
    assert.equal(serviceSite(config, {}).hubUrl, 'http://127.0.0.1:9081')
  })

  it('leave to spawners what the site leaves open', async test => {
    const plain = spawningSettings((await load(test, {})).servers)
    const chosen = spawningSettings(
      (
        await load(test, {
          servers: {
            ip: '',
            port: 8888,
            memGuarantee: '1G',
            cpuGuarantee: 0.5,
            spawnThrottleRetryRange: ['10s', '1m'],
          },
        })
      ).servers,
    )

    assert.partialDeepStrictEqual(plain, { listen: {}, guarantees: {}, allowInvalidNamedServerStart: true })
    assert.partialDeepStrictEqual(chosen, {
      listen: { ip: '', port: 8888 },
      guarantees: { memoryBytes: 2 ** 30, cpus: 0.5 },
      retryAfterSeconds: [10, 60],
    })
  })

  it('keep the usual page within the longest', async test => {
    const config = await load(test, { api: { pageMaxLimit: 20 } })
    assert.deepEqual(pageLimits(config), { defaultLimit: 20, maxLimit: 20 })
  })
})
