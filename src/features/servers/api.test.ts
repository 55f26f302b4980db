import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import type { InjectOptions } from 'fastify'
import { silentLogger, systemClock } from '../../core/runtime.ts'
import { testDatabases } from '../../db/testing.ts'
import { createHubServer } from '../../http/hub-server.ts'
import { ENDS_EARLY } from '../../plugin/fake-spawner.ts'
import { type TestHubOptions, testSite } from '../../spawning/testing.ts'
import { activityApi } from '../activity/api.ts'
import { checkedInject } from '../testing.ts'
import { type ServersDeps, serversApi } from './api.ts'

const DEFAULT = '/hub/api/users/alice/server'
const GPU = '/hub/api/users/alice/servers/gpu'

describe('servers API', () => {
  it('starts, shows and stops the default server with JupyterHub’s statuses', async () => {
    await using api = await testApi()
    const alice = await api.user('alice')

    assert.equal((await alice('POST', DEFAULT)).status, 201)
    const shown = await alice('GET', DEFAULT)
    assert.partialDeepStrictEqual(shown.json, {
      name: '',
      display_name: '',
      full_name: 'alice/',
      pending: null,
      ready: true,
      stopped: false,
      url: '/user/alice/',
      user_options: {},
      progress_url: '/hub/api/users/alice/server/progress',
      full_url: 'https://hub.example.org/user/alice/',
      full_progress_url: 'https://hub.example.org/hub/api/users/alice/server/progress',
    })
    assert.match(shown.json.started, /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d{6})?Z$/)
    assert.ok(!('state' in shown.json), 'the state is for those who hold admin:server_state')
    assert.equal((await alice('POST', DEFAULT)).status, 400, 'already running')
    assert.equal((await alice('DELETE', DEFAULT)).status, 204)
    assert.equal((await alice('DELETE', DEFAULT)).status, 204, 'stopping what is stopped is no error')
    assert.partialDeepStrictEqual((await alice('GET', DEFAULT)).json, { ready: false, stopped: true, started: null })
  })

  it('shows a default server that was never started', async () => {
    await using api = await testApi()
    const alice = await api.user('alice')
    assert.partialDeepStrictEqual((await alice('GET', DEFAULT)).json, { name: '', stopped: true })
    assert.equal((await alice('GET', GPU)).status, 404)
  })

  it('shows the spawner’s state to those who may see it', async () => {
    await using api = await testApi()
    const alice = await api.user('alice')
    const root = await api.user('root', { admin: true })
    await alice('POST', DEFAULT)
    assert.ok((await root('GET', DEFAULT)).json.state.fake)
  })

  it('answers 202 when a start takes longer, and again while it is pending', async () => {
    const gate = Promise.withResolvers<void>()
    await using api = await testApi({ steps: { beforeStart: () => gate.promise } }, { slowSpawnTimeoutMs: 20 })
    const alice = await api.user('alice')

    assert.equal((await alice('POST', DEFAULT)).status, 202)
    assert.equal((await alice('POST', DEFAULT)).status, 202)
    assert.partialDeepStrictEqual((await alice('GET', DEFAULT)).json, {
      pending: 'spawn',
      ready: false,
      stopped: false,
    })
    gate.resolve()
    await api.spawning.settled({ user: 'alice', server: '' }, 10_000)
    assert.equal((await alice('GET', DEFAULT)).json.ready, true)
  })

  it('answers 202 when a stop takes longer, and refuses a start meanwhile', async () => {
    const gate = Promise.withResolvers<void>()
    await using api = await testApi({ steps: { beforeStop: () => gate.promise } }, { slowStopTimeoutMs: 20 })
    const alice = await api.user('alice')
    await alice('POST', DEFAULT)

    assert.equal((await alice('DELETE', DEFAULT)).status, 202)
    assert.equal((await alice('DELETE', DEFAULT)).status, 202)
    const refused = await alice('POST', DEFAULT)
    assert.equal(refused.status, 400)
    assert.match(refused.json.message, /pending stop/)
    gate.resolve()
    await api.spawning.settled({ user: 'alice', server: '' }, 10_000)
  })

  it('tells why a start failed, to who asked and to who looks later', async () => {
    await using api = await testApi({ settings: { command: [ENDS_EARLY] } })
    const alice = await api.user('alice')

    const answer = await alice('POST', DEFAULT)
    assert.equal(answer.status, 500)
    assert.match(answer.json.message, /exit status 3/)

    assert.equal((await alice('GET', DEFAULT)).json.reason.code, 'exited_early')
    const progress = await alice('GET', `${DEFAULT}/progress`)
    assert.equal(progress.status, 200)
    assert.partialDeepStrictEqual(progress.events, [
      { progress: 100, failed: true, reason: { code: 'exited_early', log_tail: 'failing on purpose' } },
    ])
  })

  it('streams a start in the shape of JupyterHub', async () => {
    const gate = Promise.withResolvers<void>()
    await using api = await testApi({ steps: { beforeStart: () => gate.promise } }, { slowSpawnTimeoutMs: 1 })
    const alice = await api.user('alice')
    assert.equal((await alice('GET', `${DEFAULT}/progress`)).status, 400, 'not starting')
    await alice('POST', DEFAULT)

    const stream = alice('GET', `${DEFAULT}/progress`)
    gate.resolve()
    const { events, headers } = await stream

    assert.match(String(headers['content-type']), /^text\/event-stream/)
    assert.deepEqual(events[0], { progress: 0, message: 'Server requested' })
    const ready = {
      progress: 100,
      ready: true,
      message: 'Server ready at /user/alice/',
      html_message: 'Server ready at <a href="/user/alice/">/user/alice/</a>',
      url: '/user/alice/',
    }
    assert.deepEqual(events.at(-1), ready)
    assert.deepEqual((await alice('GET', `${DEFAULT}/progress`)).events, [ready])
    await alice('DELETE', DEFAULT)
    assert.equal((await alice('GET', `${DEFAULT}/progress`)).status, 400, 'a server that was stopped is not starting')
  })

  it('creates, changes, starts and deletes a named server', async () => {
    await using api = await testApi()
    const alice = await api.user('alice')

    const created = await alice('PUT', GPU, { display_name: 'My GPU', user_options: { cpus: 2 } })
    assert.equal(created.status, 201)
    assert.partialDeepStrictEqual(created.json, {
      name: 'gpu',
      display_name: 'My GPU',
      user_options: { cpus: 2 },
      stopped: true,
    })
    assert.equal((await alice('PUT', GPU)).status, 409)
    assert.equal((await alice('PUT', DEFAULT)).status, 409)

    const renamed = await alice('PATCH', GPU, { name: 'gpu-2', user_options: { cpus: 4 } })
    assert.equal(renamed.status, 200)
    assert.partialDeepStrictEqual(renamed.json, { name: 'gpu-2', url: '/user/alice/gpu-2/', user_options: { cpus: 4 } })
    const renamedUrl = '/hub/api/users/alice/servers/gpu-2'
    assert.equal((await alice('GET', GPU)).status, 404)

    assert.equal((await alice('POST', renamedUrl)).status, 201)
    assert.deepEqual((await alice('GET', renamedUrl)).json.user_options, { cpus: 4 }, 'the options of before')
    assert.equal((await alice('PATCH', renamedUrl, { name: 'gpu' })).status, 400, 'it runs')
    assert.equal((await alice('DELETE', renamedUrl)).status, 204)
    assert.equal((await alice('GET', renamedUrl)).status, 200, 'stopping keeps the server')
    assert.equal((await alice('DELETE', renamedUrl, { remove: true })).status, 204)
    assert.equal((await alice('GET', renamedUrl)).status, 404)
    assert.equal((await alice('DELETE', renamedUrl)).status, 404)
  })

  it('removes a running server in one go', async () => {
    await using api = await testApi()
    const alice = await api.user('alice')
    await alice('POST', GPU)
    assert.equal((await alice('DELETE', GPU, { remove: true })).status, 204)
    assert.equal((await alice('GET', GPU)).status, 404)
  })

  it('takes a body without known keys as the options, as JupyterHub did before version 6', async () => {
    await using api = await testApi()
    const alice = await api.user('alice')
    await alice('POST', DEFAULT, { profile: 'small' })
    assert.deepEqual((await alice('GET', DEFAULT)).json.user_options, { profile: 'small' })
    await alice('DELETE', DEFAULT)
    await alice('POST', DEFAULT, { user_options: { profile: 'large' } })
    assert.deepEqual((await alice('GET', DEFAULT)).json.user_options, { profile: 'large' })
  })

  it('refuses wrong bodies and names with 400', async () => {
    await using api = await testApi()
    const alice = await api.user('alice')
    await alice('PUT', GPU)
    const wrong: [method: 'POST' | 'PUT' | 'PATCH' | 'DELETE', url: string, body: unknown][] = [
      ['POST', DEFAULT, [1]],
      ['POST', DEFAULT, { user_options: 'x' }],
      ['POST', GPU, { display_name: 1 }],
      ['POST', '/hub/api/users/alice/servers/No!', undefined],
      ['PUT', '/hub/api/users/alice/servers/a--b', undefined],
      ['PUT', '/hub/api/users/alice/servers/ok', { display_name: ' x' }],
      ['PATCH', GPU, undefined],
      ['PATCH', GPU, { colour: 'red' }],
      ['PATCH', GPU, { user_options: 1 }],
      ['PATCH', GPU, { name: 'NO' }],
      ['PATCH', GPU, { display_name: 5 }],
      ['DELETE', DEFAULT, { remove: true }],
    ]
    for (const [method, url, body] of wrong) {
      const answer = await alice(method, url, body)
      assert.equal(answer.status, 400, `${method} ${url} ${JSON.stringify(body)}`)
      assert.equal(answer.json.status, 400)
    }
    assert.equal((await alice('PATCH', '/hub/api/users/alice/servers/none', { user_options: {} })).status, 404)
    await alice('PUT', '/hub/api/users/alice/servers/other')
    assert.equal((await alice('PATCH', GPU, { name: 'other' })).status, 409)
  })

  it('refuses named servers where they are not enabled', async () => {
    await using api = await testApi({ settings: { allowNamedServers: false } })
    const alice = await api.user('alice')
    for (const method of ['POST', 'PUT', 'DELETE'] as const) {
      const answer = await alice(method, GPU)
      assert.equal(answer.status, 400)
      assert.equal(answer.json.message, 'Named servers are not enabled.')
    }
  })

  it('answers 429 with Retry-After when too many servers start', async () => {
    const gate = Promise.withResolvers<void>()
    await using api = await testApi(
      { steps: { beforeStart: () => gate.promise }, settings: { concurrentSpawnLimit: 1 } },
      { slowSpawnTimeoutMs: 1 },
    )
    const alice = await api.user('alice')
    const bob = await api.user('bob')
    await alice('POST', DEFAULT)
    const answer = await bob('POST', '/hub/api/users/bob/server')
    assert.equal(answer.status, 429)
    assert.ok(Number(answer.headers['retry-after']) >= 30)
    gate.resolve()
    await api.spawning.settled({ user: 'alice', server: '' }, 10_000)
  })

  it('keeps users out of each other’s servers, without telling which exist', async () => {
    await using api = await testApi()
    await api.user('alice')
    const bob = await api.user('bob')
    for (const [method, url] of [
      ['GET', DEFAULT],
      ['POST', DEFAULT],
      ['DELETE', DEFAULT],
      ['GET', `${DEFAULT}/progress`],
      ['GET', '/hub/api/users/nobody/server'],
    ] as const) {
      assert.equal((await bob(method, url)).status, 404, `${method} ${url}`)
    }
    const root = await api.user('root', { admin: true })
    assert.equal((await root('POST', '/hub/api/users/nobody/server')).status, 404)
    assert.equal((await api.anybody('GET', DEFAULT)).status, 403)
  })

  it('notices a server that died the moment somebody asks for it', async () => {
    await using api = await testApi()
    const alice = await api.user('alice')
    await alice('POST', DEFAULT)
    await api.world.crash({ user: 'alice', server: '' }, { status: 1 })
    assert.equal((await alice('POST', DEFAULT)).status, 201)
  })
})

describe('activity API', () => {
  const URL = '/hub/api/users/alice/activity'
  // Ahead of the activity that the requests of the tests themselves are; JupyterHub takes up to 59 minutes.
  const soon = new Date(Date.now() + 30 * 60_000).toISOString()
  const at = soon.replace('Z', '901Z')
  const stored = `${soon.slice(0, -1).replace('T', ' ')}901`

  it('takes activity of user and servers, keeps microseconds, and ignores what is older', async () => {
    await using api = await testApi()
    const alice = await api.user('alice')
    await alice('PUT', GPU)

    const told = await alice('POST', URL, {
      last_activity: at,
      servers: { gpu: { last_activity: '2026-01-02T04:04:05.5+01:00' } },
    })
    assert.equal(told.status, 200)
    assert.deepEqual(await api.activity('alice'), [stored, '2026-01-02 03:04:05.500000'])

    await alice('POST', URL, {
      last_activity: '2025-01-01T00:00:00',
      servers: { gpu: { last_activity: '2025-01-01' } },
    })
    assert.deepEqual(await api.activity('alice'), [stored, '2026-01-02 03:04:05.500000'])
  })

  it('refuses what JupyterHub refuses, and then changes nothing', async () => {
    await using api = await testApi()
    const alice = await api.user('alice')
    await alice('PUT', GPU)
    const future = new Date(Date.now() + 2 * 3600_000).toISOString()
    const wrong: unknown[] = [
      undefined,
      [],
      {},
      { servers: {} },
      { last_activity: 'yesterday' },
      { last_activity: 17 },
      { last_activity: '2026-13-40T00:00:00Z' },
      { last_activity: future },
      { servers: [1] },
      { servers: { gpu: 1 } },
      { servers: { gpu: {} } },
      { last_activity: at, servers: { nosuch: { last_activity: at } } },
    ]
    for (const body of wrong) assert.equal((await alice('POST', URL, body)).status, 400, JSON.stringify(body))
    assert.equal((await api.activity('alice'))[1], null)
  })

  it('is for the user and those who may tell it', async () => {
    await using api = await testApi()
    await api.user('alice')
    const bob = await api.user('bob')
    assert.equal((await bob('POST', URL, { last_activity: at })).status, 404)
    const root = await api.user('root', { admin: true })
    assert.equal((await root('POST', '/hub/api/users/nobody/activity', { last_activity: at })).status, 404)
  })

  it('takes it from the token that a server is started with', async () => {
    await using api = await testApi()
    const alice = await api.user('alice')
    await alice('POST', DEFAULT)
    const [server] = [...api.world.servers.values()]
    const own = api.caller(server!.env.JUPYTERHUB_API_TOKEN!)
    const told = { last_activity: '2999-01-01T00:00:00Z' }
    assert.equal((await own('POST', URL, told)).status, 400, 'far future')
    assert.equal((await own('POST', URL, { servers: { '': { last_activity: at } } })).status, 200)
    assert.equal((await own('DELETE', DEFAULT)).status, 403, 'and can do no more than that')
  })
})

type Method = 'GET' | 'POST' | 'PUT' | 'PATCH' | 'DELETE'

async function testApi(hubOptions: TestHubOptions = {}, deps: Partial<ServersDeps> = {}) {
  const { url, drop } = await fileDatabase()
  const site = await testSite({ databaseUrl: url, drop })
  const hub = await site.hub(hubOptions)
  const { database, access, spawning } = hub
  const server = createHubServer({ log: silentLogger, baseUrl: '/' })
  await server.register(access.hooks)
  const publicUrl = 'https://hub.example.org/'
  await server.register(serversApi({ database, access, spawning, log: silentLogger, baseUrl: '/', publicUrl, ...deps }))
  await server.register(activityApi({ database, access, log: silentLogger, clock: systemClock }))
  await server.ready()
  const checked = checkedInject(server)

  const caller = (token?: string) => async (method: Method, path: string, body?: unknown) => {
    const request: InjectOptions = {
      method,
      url: path,
      headers: token === undefined ? {} : { authorization: `token ${token}` },
      ...(body === undefined ? {} : { payload: JSON.stringify(body) }),
    }
    const answer = await checked(request)
    const isJson = String(answer.headers['content-type']).startsWith('application/json') && answer.body !== ''
    return {
      status: answer.statusCode,
      headers: answer.headers,
      json: isJson ? answer.json() : undefined,
      events: [...answer.body.matchAll(/^data: (.*)$/gm)].map(
        match => JSON.parse(match[1]!) as Record<string, unknown>,
      ),
    }
  }
  return {
    spawning,
    world: site.world,
    caller,
    anybody: caller(),
    async user(name: string, options: { admin?: boolean } = {}) {
      const id = await site.addUser(name, options)
      return caller((await access.issueToken({ user: { id } })).token)
    },
    /** Of the user, and of their first server. */
    async activity(name: string): Promise<(string | null)[]> {
      const row = await database.db
        .selectFrom('users')
        .leftJoin('spawners', 'spawners.user_id', 'users.id')
        .select(['users.last_activity as user', 'spawners.last_activity as server'])
        .where('users.name', '=', name)
        .executeTakeFirstOrThrow()
      return [row.user, row.server]
    },
    async [Symbol.asyncDispose]() {
      await server.close()
      await site[Symbol.asyncDispose]()
    },
  }
}

/** A file of its own for each test: two connections share no memory. */
async function fileDatabase() {
  return testDatabases()[0]!.create()
}
