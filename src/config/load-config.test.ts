import assert from 'node:assert/strict'
import { chmod, mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { after, before, describe, it } from 'node:test'
import { HubError } from '../core/errors.ts'
import { loadConfig, readConfig } from './load-config.ts'

describe('loading a config', () => {
  let folder = ''
  before(async () => {
    folder = await mkdtemp(join(tmpdir(), 'orrery-config-'))
  })
  after(() => rm(folder, { recursive: true }))

  async function write(name: string, text: string, mode = 0o644): Promise<string> {
    const path = join(folder, name)
    await mkdir(dirname(path), { recursive: true })
    await writeFile(path, text)
    await chmod(path, mode)
    return path
  }

  async function faultsOf(sources: Parameters<typeof loadConfig>[0]): Promise<string> {
    const error = await loadConfig({ env: {}, folder, ...sources }).then(
      () => assert.fail('the config was taken'),
      error => error,
    )
    assert.ok(error instanceof HubError, String(error))
    assert.equal(error.code, 'config_invalid')
    return error.message
  }

  it('needs no file at all', async () => {
    const empty = await mkdtemp(join(folder, 'empty-'))

    const config = await loadConfig({ env: { XDG_DATA_HOME: '/data' }, folder: empty, overrides: {} })

    assert.equal(config.bindUrl, 'http://127.0.0.1:8000')
    assert.equal(config.publicUrl, 'http://127.0.0.1:8000/')
    assert.deepEqual(config.authenticator, {
      kind: 'own-accounts',
      signUp: 'approval',
      minimumPasswordLength: 8,
      checkCommonPasswords: true,
      askEmail: false,
    })
  })

  it('lets a TypeScript config anywhere import from orrery', async () => {
    const path = await write(
      'site/orrery.config.ts',
      `import { defineConfig, pam, type ConfigInput } from 'orrery'
       const servers: ConfigInput['servers'] = { startTimeout: '2m', memLimit: '2G' }
       export default defineConfig({ authenticator: pam({ service: 'sshd' }), servers, dataDir: 'data' })`,
    )

    const config = await loadConfig({ path, env: {}, folder })

    assert.partialDeepStrictEqual(config.authenticator, { kind: 'pam', service: 'sshd', checkAccount: true })
    assert.equal(config.servers.startTimeout, 120)
    assert.equal(config.servers.memLimit, 2 ** 31)
    assert.equal(config.dataDir, join(folder, 'site', 'data'))
    assert.equal(config.dbUrl, `sqlite:///${join(folder, 'site/data/hub/jupyterhub.sqlite')}`)
  })

  it("takes an authenticator of the site's own as it is", async () => {
    const path = await write(
      'own.mjs',
      `class Mine { name = 'mine'; login = { kind: 'form' }; async authenticate() { return { name: 'ada' } } }
       export default { authenticator: new Mine() }`,
    )

    const { authenticator } = await loadConfig({ path, env: {}, folder })

    assert.equal((authenticator as { name: string }).name, 'mine') // the union's other half has no name
    assert.equal('authenticate' in authenticator, true)
  })

  it('tells all faults at once, each with its path, its value and its source', async () => {
    const path = await write(
      'orrery.config.json',
      JSON.stringify({
        acces: {},
        access: { allowedUsers: ['ada', 7], allowAl: true },
        authenticator: { kind: 'pam', servce: 'x' },
        spawner: 'nowhere',
        servers: { startTimeout: 'soon', namedServerLimitPerUser: -1, environment: { 'a b': '1' } },
        bindUrl: 'localhost',
      }),
    )

    const message = await faultsOf({ path, env: { ORRERY_SERVERS_DEBUG: 'perhaps' } })

    for (const line of [
      `acces: unknown option, did you mean access? (${path})`,
      `access.allowedUsers[1]: expected a string, got 7 (${path})`,
      `access.allowAl: unknown option, did you mean allowAll? (${path})`,
      `authenticator.servce: unknown option, did you mean service? (${path})`,
      `spawner.kind: expected "local" or "systemd" or "sudo", got "nowhere" (${path})`,
      `servers.startTimeout: expected a duration such as 30, '30s', '5m' or '2h', got "soon" (${path})`,
      `servers.namedServerLimitPerUser: expected at least 0, got -1 (${path})`,
      `servers.environment."a b": expected the name of a variable (${path})`,
      `servers.debug: expected true or false, got "perhaps" (ORRERY_SERVERS_DEBUG)`,
      `bindUrl: expected a URL such as http://127.0.0.1:8000, got "localhost" (${path})`,
    ]) {
      assert.ok(message.includes(line), `${line}\n\nnot in\n\n${message}`)
    }
    assert.match(message, /has 10 faults/)
  })

  for (const [name, text, expected] of [
    ['broken.ts', 'export default {\n  a: 1,\n  b c\n}\n', /broken\.ts, line 3: /],
    ['broken.js', 'export default {\n  b c\n}\n', /broken\.js, line 2: /],
    ['broken.json', '{ "a": 1,\n  b }', /broken\.json is not JSON: .*line 2/],
    ['throws.mjs', '\nthrow new Error("no such thing")\n', /throws\.mjs failed: no such thing \(line 2\)/],
    ['nothing.mjs', 'export const config = {}\n', /nothing\.mjs: expected a default export/],
  ] as const) {
    it(`says where ${name} is broken`, async () => {
      const path = await write(name, text)

      assert.match(await faultsOf({ path }), expected)
    })
  }

  it('lets the environment win over the file, and the command line over both', async () => {
    const path = await write(
      'three.json',
      JSON.stringify({ bindUrl: 'http://127.0.0.1:1', hub: { bindUrl: 'http://127.0.0.1:2' }, baseUrl: '/x' }),
    )
    const env = {
      ORRERY_HUB_BIND_URL: 'http://127.0.0.1:3',
      ORRERY_BIND_URL: 'http://127.0.0.1:4',
      ORRERY_ACCESS_ALLOWED_USERS: 'ada, grace',
    }

    const loaded = await readConfig({
      path,
      env,
      folder,
      overrides: { bindUrl: { value: 'http://127.0.0.1:5', from: '--port' } },
    })

    assert.equal(loaded.config.bindUrl, 'http://127.0.0.1:5')
    assert.equal(loaded.config.hub.bindUrl, 'http://127.0.0.1:3')
    assert.deepEqual(loaded.config.access.allowedUsers, ['ada', 'grace'])
    assert.equal(loaded.config.baseUrl, '/x/')
    assert.deepEqual([['bindUrl'], ['hub', 'bindUrl'], ['baseUrl'], ['servers', 'debug']].map(loaded.origin), [
      '--port',
      'ORRERY_HUB_BIND_URL',
      path,
      undefined,
    ])
  })

  it('names variables that look like options and are none', async () => {
    const loaded = await readConfig({ env: { ORRERY_BASEURL: '/x', ORRERY_TEST_POSTGRES_URL: 'x' }, folder: tmpdir() })

    assert.deepEqual(loaded.notices, [
      "The variable ORRERY_BASEURL is none of Orrery's and has no effect. Did you mean ORRERY_BASE_URL?",
    ])
  })

  it('reads secrets from files that others cannot read, and never shows them', async () => {
    await write('token', 'orbit-17\n', 0o600)
    await write('open', 'orbit-17\n', 0o644)
    const path = await write('secrets.json', JSON.stringify({ proxy: { authToken: { file: 'token' } } }))
    const leaky = await write(
      'leaky.json',
      JSON.stringify({
        proxy: { authToken: { file: 'open' } },
        authenticator: { kind: 'shared-password', userPassword: 'short' },
      }),
    )

    const config = await loadConfig({ path, env: {}, folder })
    const message = await faultsOf({ path: leaky })

    assert.equal(config.proxy.authToken, 'orbit-17')
    assert.match(message, /proxy\.authToken: .*open can be read by everybody; chmod o-rwx/)
    assert.match(message, /authenticator\.userPassword: expected 8 characters or more, got a value that is not shown/)
    assert.doesNotMatch(message, /short/)
  })
})
