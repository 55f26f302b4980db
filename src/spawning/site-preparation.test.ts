/** What a site's hooks, group overrides and options do to a server, on the way that a start really goes. */
import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { HubError } from '../core/errors.ts'
import type { SpawnError } from '../core/reason.ts'
import { type Json, silentLogger } from '../core/runtime.ts'
import { testDatabases } from '../db/testing.ts'
import { fakeSpawner } from '../plugin/fake-spawner.ts'
import type { ServerDraft } from '../plugin/hooks.ts'
import type { ServerSpec } from '../plugin/spawner.ts'
import { siteOptionsForm } from './options-form.ts'
import { type SitePreparation, sitePreparation } from './prepare-server.ts'
import { type TestHubOptions, testSite } from './testing.ts'

const alice = { user: 'alice', server: '' }
const TOKEN = { token: 'of-the-provider' }

describe('before a start', () => {
  it('the authenticator, auth state, groups, options and hooks change the server, in this order', async () => {
    const order: string[] = []
    const note = (name: string) => (server: ServerDraft) => {
      order.push(name)
      server.environment[name.toUpperCase()] = `${order.length}`
    }
    const isNoted = (name: string) => (server: ServerDraft) => {
      note(name)(server)
      return true
    }
    await using site = await start(
      {
        hooks: {
          authState(server, state) {
            note('auth')(server)
            server.environment.TOKEN = (state as typeof TOKEN).token
          },
          preSpawn: async (server, { authState }) => {
            note('last')(server)
            assert.deepEqual(authState, TOKEN)
            server.environment.COURSE = server.environment.COURSE ?? 'none'
            server.args = [...server.args, '--last']
            server.memLimit = '2G'
          },
        },
        groupOverrides: {
          '10': { groups: ['physics'], servers: { debug: isNoted('groups'), notebookDir: '/shared' } },
        },
        applyUserOptions: (server, options) => {
          note('options')(server)
          server.environment.COURSE = (options as { course: string }).course
        },
      },
      { options: { course: 'optics' }, hub: { hooks: { beforeStart: async server => note('authenticator')(server) } } },
    )
    assert.deepEqual(order, ['authenticator', 'auth', 'groups', 'options', 'last'])
    assert.partialDeepStrictEqual(site.environment, {
      TOKEN: 'of-the-provider',
      COURSE: 'optics',
      AUTHENTICATOR: '1',
      LAST: '5',
      MEM_LIMIT: `${2 * 2 ** 30}`,
      JUPYTERHUB_ROOT_DIR: '/shared',
    })
    assert.deepEqual(site.spec.command, ['serves', '--last'])
    assert.equal(site.spec.limits.memoryBytes, 2 * 2 ** 30)
    assert.equal(site.spec.notebookDir, '/shared')
  })

  it('overrides of groups come in the order of their names; variables are added, null takes one away', async () => {
    await using site = await start({
      groupOverrides: {
        '2-later': { groups: ['staff', 'physics'], servers: { environment: { B: 'later', GONE: null }, cpuLimit: 4 } },
        '1-sooner': { groups: ['physics'], servers: { environment: { A: 'sooner', B: 'sooner' }, cpuLimit: 2 } },
        '0-others': { groups: ['biology'], servers: { environment: { C: 'others' }, cmd: ['nothing'] } },
        '3-computed': {
          groups: ['physics'],
          servers: { defaultUrl: async (server: ServerDraft) => `/lab/${server.user.name}` },
        },
      },
    })
    const { A, B, C, GONE, CPU_LIMIT, JUPYTERHUB_DEFAULT_URL } = site.environment
    assert.deepEqual([A, B, C, GONE], ['sooner', 'later', undefined, undefined])
    assert.deepEqual([CPU_LIMIT, JUPYTERHUB_DEFAULT_URL], ['4.0', '/lab/alice'])
  })

  it('variables that are functions are called when all else is known', async () => {
    await using site = await start(
      { hooks: { preSpawn: server => void Object.assign(server, { defaultUrl: '/tree' }) } },
      { hub: { environment: { extra: { WHERE: server => `${server.user.name}:${server.defaultUrl}` } } } },
    )
    assert.equal(site.environment.WHERE, 'alice:/tree')
  })

  it('options by name change only what the site names, and texts become what the setting wants', async () => {
    const applyUserOptions = { memory: 'memLimit', cores: 'cpuLimit' }
    await using site = await start(
      { applyUserOptions },
      { options: { memory: '512M', cores: '1.5', cmd: ['evil'], __proto__: 'x' } },
    )
    assert.deepEqual(site.spec.limits, { memoryBytes: 512 * 2 ** 20, cpus: 1.5 })
    assert.deepEqual(site.spec.command, ['serves'])
    assert.match(site.logged(), /option of the user has no effect.*cmd/)
  })

  it('a wrong option is the fault of the user, told in words of our own or of the site', async () => {
    const wrong = [
      [{ memory: 'memLimit' }, { memory: 'plenty' }, 'invalid_user_options'],
      [{ memory: 'memLimit' }, { memory: ['1G'] }, 'invalid_user_options'],
      [{ memory: 'memLimit' }, ['no', 'object'], 'invalid_user_options'],
      [{ memory: 'memLimit' }, 'text', 'invalid_user_options'],
      [() => Promise.reject(new TypeError('secret detail')), {}, 'invalid_user_options'],
      [
        () => Promise.reject(new HubError('no_such_course', { status: 400, message: 'No such course.' })),
        {},
        'no_such_course',
      ],
    ] as const
    for (const [applyUserOptions, options, code] of wrong) {
      await using site = await start({ applyUserOptions }, { options: options as Json })
      assert.partialDeepStrictEqual(site.state, { phase: 'failed', reason: { code } })
      assert.ok(!JSON.stringify(site.state).includes('secret'))
    }
  })

  it('a hook that throws ends the start with its own reason, or with one that tells where to look', async () => {
    const full = new HubError('no_licence', { status: 503, message: 'All licences are in use.', nextStep: 'Wait.' })
    await using refused = await start({ hooks: { preSpawn: () => Promise.reject(full) } })
    await using broken = await start({
      hooks: {
        authState: () => {
          throw new Error('secret detail')
        },
      },
    })
    await using senseless = await start({
      hooks: { preSpawn: server => void Object.assign(server, { memLimit: 'much' }) },
    })

    const servers = { memLimit: () => 'much' }
    await using misled = await start({
      groupOverrides: { a: { groups: ['physics'], servers } },
      applyUserOptions: {},
    })

    assert.partialDeepStrictEqual(refused.state, {
      reason: { code: 'no_licence', message: 'All licences are in use.', nextStep: 'Wait.' },
    })
    assert.partialDeepStrictEqual(broken.state, { phase: 'failed', reason: { code: 'hook_failed' } })
    assert.match(JSON.stringify(broken.state), /hooks\.authState/)
    assert.ok(!JSON.stringify(broken.state).includes('secret detail'))
    assert.match(broken.logged(), /server failed to start.*secret detail/)
    assert.partialDeepStrictEqual(senseless.state, { reason: { code: 'server_settings_invalid' } })
    assert.partialDeepStrictEqual(misled.state, { reason: { code: 'server_settings_invalid' } })
    for (const site of [refused, broken, senseless, misled]) assert.deepEqual(site.running, [])
  })

  it('a hook that hangs is left behind when the time of a start is over, and its signal says so', async () => {
    const { promise, resolve } = Promise.withResolvers<void>()
    await using site = await start(
      {
        hooks: {
          preSpawn(_server, { signal }) {
            signal.addEventListener('abort', () => resolve())
            return new Promise(() => {})
          },
        },
      },
      { hub: { settings: { startTimeoutMs: 50 } } },
    )
    await promise
    assert.partialDeepStrictEqual(site.state, { phase: 'failed', reason: { code: 'hook_timeout' } })
  })
})

describe('the form of a site', () => {
  const ada = { id: 1, name: 'ada', admin: false, groups: ['physics'] }
  const signal = new AbortController().signal
  const deps = { authStateOf: async () => TOKEN, log: silentLogger }
  const fields = { image: ['scipy'], gpu: ['on'], courses: ['a', 'b'] }

  it('is a text, or a function of the user and the auth state', async () => {
    assert.equal((await siteOptionsForm('<input name="a">', deps)(ada, signal)).html, '<input name="a">')
    const form = siteOptionsForm((user, { authState }) => `${user.name} ${JSON.stringify(authState)}`, deps)
    assert.equal((await form(ada, signal)).html, `ada ${JSON.stringify(TOKEN)}`)
    const failing = siteOptionsForm(() => Promise.reject(new Error('x')), deps)(ada, signal)
    await assert.rejects(failing, error => (error as SpawnError).reason.code === 'hook_failed')
  })

  it('is read as lists of texts, in the simple way, or by a function', async () => {
    const parsed = async (parse: 'passthrough' | 'simple' | (() => { image: string })) =>
      (await siteOptionsForm({ html: '', parse }, deps)(ada, signal)).parse(fields)
    assert.deepEqual(await parsed('passthrough'), fields)
    assert.deepEqual(await parsed('simple'), { image: 'scipy', gpu: true, courses: ['a', 'b'] })
    assert.deepEqual(await parsed(() => ({ image: 'own' })), { image: 'own' })
    assert.deepEqual(await (await siteOptionsForm('x', deps)(ada, signal)).parse(fields), fields)
  })
})

/** One start of a user in the group `physics`, from the wish to its end. */
async function start(
  preparation: Partial<SitePreparation>,
  { options, hub: more = {} }: { options?: Json; hub?: TestHubOptions } = {},
) {
  const { url, drop } = await testDatabases()[0]!.create()
  const site = await testSite({ databaseUrl: url, drop })
  const userId = await site.addUser('alice')
  const { db } = site.database
  const group = await db
    .insertInto('groups')
    .values({ name: 'physics', properties: '{}' })
    .returning('id')
    .executeTakeFirstOrThrow()
  await db.insertInto('user_group_map').values({ user_id: userId, group_id: group.id }).execute()

  const specs: ServerSpec[] = []
  const lines: string[] = []
  const note = (fields: object, message: string) => void lines.push(`${message} ${JSON.stringify(fields)}`)
  const log = { debug: note, info: note, warn: note, error: note, child: () => log }
  const prepare = sitePreparation({ hooks: {}, authStateOf: async () => TOKEN, log, ...preparation })
  const hub = await site.hub({
    ...more,
    spawner: fakeSpawner(site.world, { beforeStart: async spec => void specs.push(spec) }),
    hooks: { ...more.hooks, prepare },
    environment: { extra: { GONE: 'still here' }, ...more.environment },
  })
  await hub.spawning.start(alice, { requestedBy: 'alice', ...(options !== undefined && { options }) })
  const state = await hub.spawning.settled(alice, 10_000)
  return {
    state,
    running: site.world.running(),
    logged: () => `${hub.logged()}\n${lines.join('\n')}`,
    get spec() {
      return specs[0]!
    },
    get environment() {
      return specs[0]!.environment({ ip: '127.0.0.1', port: 1 })
    },
    [Symbol.asyncDispose]: () => site[Symbol.asyncDispose](),
  }
}
