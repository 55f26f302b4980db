import assert from 'node:assert/strict'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, describe, it } from 'node:test'
import { loadConfig, readConfig } from './load-config.ts'
import { shownOptions } from './show-config.ts'

describe('functions in a config', () => {
  let folder = ''
  before(async () => {
    folder = await mkdtemp(join(tmpdir(), 'orrery-functions-'))
  })
  after(() => rm(folder, { recursive: true }))

  async function write(name: string, text: string) {
    const path = join(folder, name)
    await writeFile(path, text)
    return { path, env: {}, folder }
  }

  it('are taken from TypeScript, typed, and shown by name only', async () => {
    const sources = await write(
      'orrery.config.ts',
      `import { defineConfig } from 'orrery'
       export default defineConfig({
         servers: { namedServerLimitPerUser: async user => (user.groups.includes('staff') ? 9 : 1) },
         pages: { defaultUrl: user => (user?.admin ? '/hub/admin' : undefined) },
         hooks: { userRedirect: ({ path, user }) => \`/user/\${user.name}/\${path}\` },
       })`,
    )

    const loaded = await readConfig(sources)

    const limit = loaded.config.servers.namedServerLimitPerUser
    assert.ok(typeof limit === 'function')
    assert.equal(await limit({ id: 1, name: 'ada', admin: false, groups: ['staff'] }), 9)
    const shown = new Map(shownOptions(loaded).map(({ path, value }) => [path, value]))
    assert.equal(shown.get('servers.namedServerLimitPerUser'), '[function]')
    assert.equal(shown.get('hooks.userRedirect'), '[function]')
  })

  it('cannot stand in JSON or a variable, which is told with the option', async () => {
    const sources = await write(
      'orrery.config.json',
      JSON.stringify({ hooks: { userRedirect: 'user => 1' }, servers: { namedServerLimitPerUser: '() => 3' } }),
    )

    await assert.rejects(loadConfig(sources), error => {
      const { message } = error as Error
      assert.match(
        message,
        /hooks\.userRedirect: expected a function, in a config of TypeScript or JavaScript, got "user => 1"/,
      )
      assert.match(message, /servers\.namedServerLimitPerUser: expected a number or a function, .*got "\(\) => 3"/)
      return true
    })
    await assert.rejects(
      loadConfig({ ...(await write('empty.json', '{}')), env: { ORRERY_HOOKS_USER_REDIRECT: 'x' } }),
      /hooks\.userRedirect: expected a function.*\(ORRERY_HOOKS_USER_REDIRECT\)/,
    )
  })

  it('are told apart from plain values at any depth', async () => {
    const sources = await write(
      'overrides.config.ts',
      `export default {
         servers: {
           environment: { A: 'x', B: server => server.user.name, C: 3 },
           optionsForm: { html: user => user.name, parse: 'simpel' },
           applyUserOptions: { memory: 'memLimt' },
           groupOverrides: {
             a: { groups: ['x'], servers: { memLimit: '2X', cpuLimit: () => 1, environment: { A: null, B: () => 'x' } } },
             b: { groups: 'x', servers: { memLimt: '2G' } },
           },
         },
         hooks: { preSpawn: 'server => 1' },
       }`,
    )

    await assert.rejects(loadConfig(sources), error => {
      const { message } = error as Error
      for (const fault of [
        /servers\.environment\.C: expected a string or a function, /,
        /servers\.optionsForm\.parse: expected "passthrough" or "simple", got "simpel"/,
        /servers\.applyUserOptions\.memory: expected "cmd" or .*, got "memLimt"/,
        /servers\.groupOverrides\.a\.servers\.memLimit: expected a size such as .*, got "2X"/,
        /servers\.groupOverrides\.b\.groups: expected a list, got "x"/,
        /servers\.groupOverrides\.b\.servers\.memLimt: unknown option/,
        /hooks\.preSpawn: expected a function/,
        /has 7 faults/,
      ]) {
        assert.match(message, fault)
      }
      return true
    })
  })

  it('leave the rules for plain values as they are', async () => {
    const sources = await write('limits.json', '{"servers": {"namedServerLimitPerUser": -1, "pollJitter": 2}}')

    await assert.rejects(loadConfig(sources), error => {
      const { message } = error as Error
      assert.match(message, /servers\.namedServerLimitPerUser: expected at least 0, got -1/)
      assert.match(message, /servers\.pollJitter: expected at most 1, got 2/)
      return true
    })
    const fromEnvironment = { ORRERY_SERVERS_NAMED_SERVER_LIMIT_PER_USER: '4', ORRERY_PAGES_DEFAULT_URL: '/hub/home' }
    const config = await loadConfig({ ...(await write('empty.json', '{}')), env: fromEnvironment })
    assert.equal(config.servers.namedServerLimitPerUser, 4)
    assert.equal(config.pages.defaultUrl, '/hub/home')
  })
})
