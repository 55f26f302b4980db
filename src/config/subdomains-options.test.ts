/** `subdomainHost` and `subdomainHook` of a config, and what else of it follows from them. */
import assert from 'node:assert/strict'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, describe, it } from 'node:test'
import { loadConfig } from './load-config.ts'

describe('subdomains in a config', () => {
  let folder = ''
  before(async () => {
    folder = await mkdtemp(join(tmpdir(), 'orrery-subdomains-'))
  })
  after(() => rm(folder, { recursive: true }))

  async function load(config: object) {
    const path = join(folder, 'orrery.config.json')
    await writeFile(path, JSON.stringify(config))
    return loadConfig({ path, env: {}, folder })
  }

  it('make the public address, and lead every host to the hub', async () => {
    const { subdomainHost, subdomainHook, publicUrl, hub } = await load({
      subdomainHost: 'https://Hub.example.org/',
      baseUrl: '/lab/',
    })
    assert.equal(subdomainHost, 'https://hub.example.org')
    assert.equal(subdomainHook, 'idna')
    assert.equal(publicUrl, 'https://hub.example.org/lab/')
    assert.equal(hub.routespec, '/')
  })

  it('take a narrower route of the hub with its host', async () => {
    const { hub } = await load({ subdomainHost: 'https://hub.example.org', hub: { routespec: 'hub.example.org/hub' } })
    assert.equal(hub.routespec, 'hub.example.org/hub/')
  })

  it('are off by default', async () => {
    const { subdomainHost, hub } = await load({})
    assert.equal(subdomainHost, undefined)
    assert.equal(hub.routespec, undefined)
  })

  it('need a name below which there can be others', async () => {
    for (const subdomainHost of [
      'hub.example.org',
      'https://127.0.0.1:8000',
      'https://[::1]',
      'https://hub.example.org/lab/',
      'https://hub.example.org/?a',
      'https://ada@hub.example.org',
      'ftp://hub.example.org',
      'https://hub.example.org.',
    ]) {
      await assert.rejects(load({ subdomainHost }), /subdomainHost: expected scheme and host/, subdomainHost)
    }
    await assert.rejects(load({ subdomainHook: 'mine' }), /subdomainHook: /)
  })

  it('do not go with another public address, nor with cookies for all hosts', async () => {
    const subdomainHost = 'https://hub.example.org'
    assert.equal((await load({ subdomainHost, publicUrl: `${subdomainHost}/` })).publicUrl, `${subdomainHost}/`)
    await assert.rejects(
      load({ subdomainHost, publicUrl: 'https://www.example.org/' }),
      /publicUrl: expected an address of subdomainHost: https:\/\/hub\.example\.org/,
    )
    const cookies = { domain: 'hub.example.org' }
    await assert.rejects(load({ subdomainHost, cookies }), /cookies\.domain: expected none with subdomainHost/)
  })
})
