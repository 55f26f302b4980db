/** A real `jupyterhub-singleuser`, started by Spawning through the launcher and reached through the proxy. */
import assert from 'node:assert/strict'
import { after, before, describe, it } from 'node:test'
import { silentLogger, systemClock } from '../../src/core/runtime.ts'
import { testDatabases } from '../../src/db/testing.ts'
import { activityApi } from '../../src/features/activity/api.ts'
import { hubInfoApi } from '../../src/features/hub-info/api.ts'
import { createHubServer } from '../../src/http/hub-server.ts'
import { type TestLauncher, testLauncher } from '../../src/launcher/testing.ts'
import { local } from '../../src/spawners/local/local.ts'
import { type TestSite, type TestSpawningHub, testSite } from '../../src/spawning/testing.ts'
import { singleUserCommand } from '../support/python-env.ts'
import { until } from '../support/until.ts'

const alice = { user: 'alice', server: '' }
const START_MS = 120_000

describe('a real single-user server', { timeout: 300_000 }, () => {
  let site: TestSite
  let launcher: TestLauncher
  let first: TestSpawningHub
  let second: TestSpawningHub
  const told: string[] = []
  const ends: (() => Promise<unknown>)[] = []

  before(async () => {
    const command = singleUserCommand()
    launcher = await testLauncher({ commands: [command] })
    ends.unshift(() => launcher.close())
    const { url, drop } = await testDatabases()[0]!.create()
    site = await testSite({ databaseUrl: url, drop })
    ends.unshift(async () => site[Symbol.asyncDispose]())
    await site.addUser('alice')

    // What a single-user server asks of its hub: the version, and to take its activity.
    const asking = await site.hub()
    const { access, database } = asking
    const api = createHubServer({ log: silentLogger, baseUrl: '/' })
    await api.register(access.hooks)
    const plugins = { spawner: { class: 'local', version: '0' }, authenticator: { class: 'none', version: '0' } }
    const rest = { readModel: async () => undefined, shutDown: () => {} }
    await api.register(hubInfoApi({ access, log: silentLogger, ...plugins, ...rest }))
    await api.register(activityApi({ database, access, log: silentLogger, clock: systemClock }))
    api.addHook(
      'onResponse',
      async (request, reply) => void told.push(`${request.method} ${request.url} ${reply.statusCode}`),
    )
    const hubUrl = await api.listen({ host: '127.0.0.1', port: 0 })
    ends.unshift(async () => api.close())

    const options = {
      spawner: local({ launcher: launcher.client, as: 'own-account' }),
      environment: { hubUrl },
      settings: { command, pollIntervalMs: 200, startTimeoutMs: START_MS, httpTimeoutMs: START_MS },
    }
    first = await site.hub(options)
    second = await site.hub(options)
  })
  after(async () => {
    for (const end of ends) await end()
  })

  it('starts, answers through the proxy and tells the hub of its activity', async () => {
    await first.spawning.start(alice, { requestedBy: 'alice' })
    const state = await first.spawning.settled(alice, START_MS)
    assert.equal(state.phase, 'ready', `${JSON.stringify(state)}\n${await first.spawning.logs(alice, 50)}`)

    const answer = await fetch(`${site.proxy.publicUrl}/user/alice/api`)
    assert.equal(answer.status, 200)
    assert.match(answer.headers.get('x-jupyterhub-version') ?? '', /^\d+\./)
    await until('it tells of its activity', () => told.includes('POST /hub/api/users/alice/activity 200'))
  })

  it('sends people without a login to the hub, as its own OAuth client', async () => {
    const answer = await fetch(`${site.proxy.publicUrl}/user/alice/lab`, { redirect: 'manual' })
    assert.equal(answer.status, 302)
    const location = new URL(answer.headers.get('location')!, 'http://hub.invalid')
    const login = location.pathname.endsWith('/api/oauth2/authorize')
      ? location
      : new URL(
          (
            await fetch(`${site.proxy.publicUrl}${location.pathname}${location.search}`, { redirect: 'manual' })
          ).headers.get('location')!,
          location,
        )
    assert.equal(login.pathname, '/hub/api/oauth2/authorize')
    assert.equal(login.searchParams.get('client_id'), 'jupyterhub-user-alice')
    assert.equal(login.searchParams.get('redirect_uri'), '/user/alice/oauth_callback')
  })

  it('survives the hub, whose successor finds it again', async () => {
    await first.crash()
    await second.spawning.recover()
    assert.equal((await second.spawning.state(alice)).phase, 'ready')
    assert.equal((await fetch(`${site.proxy.publicUrl}/user/alice/api`)).status, 200)
  })

  it('is noticed when it is killed, with its last words', async () => {
    const row = await site.database.db.selectFrom('spawners').select('state').executeTakeFirstOrThrow()
    process.kill((JSON.parse(row.state!) as { pid: number }).pid, 'SIGKILL')

    const state = await until('the hub notices', async () => {
      const now = await second.spawning.state(alice)
      return now.phase === 'failed' && now
    })

    assert.match(state.reason.logTail ?? '', /\S/)
    assert.deepEqual(await site.proxy.specs(), [])
  })

  it('starts again and is stopped, leaving no process', async () => {
    await second.spawning.start(alice, { requestedBy: 'alice' })
    assert.equal((await second.spawning.settled(alice, START_MS)).phase, 'ready')
    await second.spawning.stop(alice, { by: 'alice' })
    assert.equal((await second.spawning.settled(alice, 60_000)).phase, 'stopped')
    assert.deepEqual(await launcher.remains(), [])
  })
})
