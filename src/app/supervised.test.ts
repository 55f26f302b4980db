import assert from 'node:assert/strict'
import { tmpdir } from 'node:os'
import { describe, it } from 'node:test'
import { loadConfig } from '../config/load-config.ts'
import { programsIn } from './supervised.ts'

describe('a config for another process', () => {
  it('is sent whole when it is plain data', async () => {
    const config = await loadConfig({ env: {}, folder: tmpdir() })

    assert.deepEqual(programsIn(config), [])
    assert.deepEqual(JSON.parse(JSON.stringify(config)).servers, config.servers)
  })

  it('names the parts that are programs', async () => {
    const config = await loadConfig({ env: {}, folder: tmpdir() })
    const authenticator = {
      name: 'mine',
      login: { kind: 'form' as const },
      authenticate: async () => ({ name: 'ada' }),
    }
    const pages = { ...config.pages, templateVars: { year: () => 2026 } }

    const hooks = { preSpawn: () => {} }
    const environment = { WHO: () => 'ada', PLAIN: 'text' }
    const servers = { ...config.servers, environment }

    const subdomainHook = (name: string, domain: string) => `${name}.${domain}`

    assert.deepEqual(programsIn({ ...config, authenticator, pages, hooks, servers, subdomainHook }).sort(), [
      ['authenticator'],
      ['hooks', 'preSpawn'],
      ['pages', 'templateVars'],
      ['servers', 'environment'],
      ['subdomainHook'],
    ])
  })
})
