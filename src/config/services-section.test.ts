import assert from 'node:assert/strict'
import { chmodSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, describe, it } from 'node:test'
import { readConfig } from './load-config.ts'
import { shownOptions } from './show-config.ts'

describe('services, roles and groups of a config', () => {
  let folder = ''
  before(() => {
    folder = mkdtempSync(join(tmpdir(), 'orrery-config-'))
  })
  after(() => rmSync(folder, { recursive: true }))

  const read = (config: object) => {
    const path = join(folder, 'orrery.config.json')
    writeFileSync(path, JSON.stringify(config))
    return readConfig({ path, env: { CULLER_TOKEN: 'token-of-the-environment' }, folder })
  }

  it('get their defaults, and tokens out of files and variables that are never shown', async () => {
    const file = join(folder, 'token')
    writeFileSync(file, 'token-of-the-file\n')
    chmodSync(file, 0o600)
    const loaded = await read({
      services: [
        { name: 'docs', url: 'http://127.0.0.1:9999', apiToken: { file: 'token' } },
        { name: 'culler', command: 'culler', apiToken: { env: 'CULLER_TOKEN' }, timeout: '1m' },
        { name: 'plain', apiToken: 'token-as-it-stands' },
      ],
    })

    const [docs, culler] = loaded.config.services!
    assert.partialDeepStrictEqual(docs, { apiToken: 'token-of-the-file', display: true, timeout: 30, admin: false })
    assert.partialDeepStrictEqual(culler, { apiToken: 'token-of-the-environment', command: ['culler'], timeout: 60 })
    const shown = JSON.stringify(shownOptions(loaded))
    assert.ok(shown.includes('"apiToken":"***"'))
    assert.doesNotMatch(shown, /token-(of|as)/)
  })

  it('are told all their faults at once, and no token in them', async () => {
    const faulty = read({
      services: [
        { name: 'a/b' },
        { name: 'docs', url: 'ftp://x', apiToken: 'short' },
        { name: 'out', oauthNoConfirm: true },
        { name: 'id', oauthClientId: 'mine', api_token: 'x' },
      ],
      roles: [
        { name: 'A', scopes: [] },
        { name: 'teacher', scopes: ['fly'] },
        { name: 'admin', scopes: ['self'] },
      ],
      groups: { '..': {}, physics: { members: [] } },
    })
    await assert.rejects(faulty, error => {
      assert.ok(error instanceof Error)
      for (const place of [
        'services[0].name',
        'services[1].url',
        'services[1].apiToken',
        'services[2].oauthRedirectUri',
        'services[3].oauthClientId',
        'services[3].api_token',
        'roles[0].name',
        'roles[1].scopes[0]',
        'roles[2].scopes',
        'groups',
        'groups.physics.members',
      ]) {
        assert.ok(error.message.includes(`\n  ${place}`), `${place} in ${error.message}`)
      }
      assert.doesNotMatch(error.message, /short/)
      return true
    })
  })

  it('may name scopes of the site, and are told of names that nobody defined wherever they stand', async () => {
    const customScopes = {
      'custom:reports:read': { description: 'Read reports' },
      'custom:reports': { description: 'Write reports', subscopes: ['custom:reports:read'] },
    }
    const { config } = await read({
      customScopes,
      extraUserScopes: ['custom:reports!user'],
      roles: [{ name: 'teacher', scopes: ['custom:reports'] }],
      servers: { tokenScopes: ['inherit'], oauthClientAllowedScopes: ['custom:reports:read'] },
    })
    assert.deepEqual(config.customScopes['custom:reports:read'], { description: 'Read reports', subscopes: [] })

    const faulty = read({
      customScopes: {
        ...customScopes,
        reports: { description: 'x' },
        'custom:empty': {},
        'custom:mixed': { description: 'x', subscopes: ['users'] },
        'custom:ends-': { description: 'x', subscopes: 'users' },
      },
      extraUserScopes: ['custom:report:read'],
      roles: [{ name: 'teacher', scopes: ['list:users', 'custom:nothing'] }],
      services: [{ name: 'docs', oauthClientAllowedScopes: ['read:users!owner=x'] }],
      servers: { tokenScopes: ['fly'], oauthClientAllowedScopes: ['custom:nothing'] },
    })
    await assert.rejects(faulty, error => {
      assert.ok(error instanceof Error)
      for (const place of [
        'extraUserScopes[0]: expected the name of a scope, got "custom:report:read", did you mean custom:reports:read?',
        'roles[0].scopes[1]: ',
        'services[0].oauthClientAllowedScopes[0]: ',
        'servers.tokenScopes[0]: ',
        'servers.oauthClientAllowedScopes[0]: ',
        'customScopes.reports: expected a name such as',
        'customScopes."custom:empty".description: ',
        'customScopes."custom:ends-": ',
      ]) {
        assert.ok(error.message.includes(`\n  ${place}`), `${place} in ${error.message}`)
      }
      return true
    })
    await assert.rejects(
      read({ customScopes: { 'custom:mixed': { description: 'x', subscopes: ['users'] } } }),
      /customScopes\."custom:mixed"\.subscopes\[0\]: expected one of the custom scopes/,
    )
  })

  it('are refused when two are alike', async () => {
    const twice = { name: 'docs', apiToken: 'one-token-for-both' }
    await assert.rejects(
      read({ services: [twice, twice], roles: [role, role] }),
      /services\[1\]\.name[\s\S]*roles\[1\]/,
    )
  })
  const role = { name: 'teacher', scopes: ['list:users'] }
})
