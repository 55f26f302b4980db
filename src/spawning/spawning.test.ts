import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { until } from '../../test/support/until.ts'
import { SpawnError } from '../core/reason.ts'
import type { ProgressEvent } from '../core/server-state.ts'
import { testDatabases } from '../db/testing.ts'
import { ENDS_EARLY, fakeSpawner } from '../plugin/fake-spawner.ts'
import type { Spawning } from './spawning.ts'
import { type TestSite, testSite } from './testing.ts'

const alice = { user: 'alice', server: '' }
const gpu = { user: 'alice', server: 'gpu' }
const by = { requestedBy: 'alice' }

for (const kind of testDatabases()) {
  const site = async (): Promise<TestSite> => {
    const { url, drop } = await kind.create()
    const made = await testSite({ databaseUrl: url, drop })
    await made.addUser('alice')
    await made.addUser('bob')
    return made
  }

  describe(`spawning on ${kind.name}`, () => {
    it('starts a server, leads a route to it and tells its story', async () => {
      await using here = await site()
      const { spawning } = await here.hub()

      assert.equal(await spawning.start(alice, by), 'started')
      const events = await collect(spawning)

      assert.equal((await spawning.state(alice)).phase, 'ready')
      assert.deepEqual(here.world.running(), ['alice/'])
      assert.deepEqual(await here.proxy.specs(), ['/user/alice/'])
      assert.equal((await fetch(`${here.proxy.publicUrl}/user/alice/api`)).status, 200)
      assert.equal(events[0]?.message, 'Server requested')
      assert.ok(events.some(event => event.message === 'A fake server listens'))
      assert.partialDeepStrictEqual(events.at(-1), {
        percent: 100,
        ready: true,
        message: 'Server ready at /user/alice/',
      })
      const percents = events.map(event => event.percent)
      assert.deepEqual(
        percents,
        percents.toSorted((a, b) => a - b),
      )
      assert.equal(await spawning.start(alice, by), 'ready')
    })

    it('writes what the released JupyterHub would look for', async () => {
      await using here = await site()
      const { spawning } = await here.hub()
      await ready(spawning, gpu)

      const { db } = here.database
      const row = await db.selectFrom('spawners').selectAll().where('name', '=', 'gpu').executeTakeFirstOrThrow()
      const server = await db
        .selectFrom('servers')
        .selectAll()
        .where('id', '=', row.server_id!)
        .executeTakeFirstOrThrow()
      assert.partialDeepStrictEqual(server, { proto: 'http', ip: '127.0.0.1', base_url: '/user/alice/gpu/' })
      assert.equal(row.display_name, 'gpu')
      assert.equal(row.oauth_client_id, 'jupyterhub-user-alice-gpu')
      assert.match(row.started!, /^\d{4}-\d\d-\d\d \d\d:\d\d:\d\d\.\d{6}$/)
      const client = await db
        .selectFrom('oauth_clients')
        .selectAll()
        .where('identifier', '=', row.oauth_client_id)
        .executeTakeFirstOrThrow()
      assert.equal(client.redirect_uri, '/user/alice/gpu/oauth_callback')
      assert.deepEqual(JSON.parse(client.allowed_scopes!), ['access:servers!server=alice/gpu'])
      const token = await db.selectFrom('api_tokens').selectAll().executeTakeFirstOrThrow()
      assert.equal(token.note, 'Server at /user/alice/gpu/')
      assert.deepEqual(JSON.parse(token.scopes!).sort(), ['access:servers!server=alice/gpu', 'users:activity!user'])
    })

    it('stops a server and revokes its secrets, and no others', async () => {
      await using here = await site()
      const { spawning } = await here.hub()
      await ready(spawning, alice)
      await ready(spawning, { user: 'bob', server: '' })
      const own = { user_id: 1, hashed: 'x', prefix: 'own', note: 'Server at /user/alice/', client_id: 'jupyterhub' }
      await here.database.db.insertInto('api_tokens').values(own).execute()

      assert.equal(await spawning.stop(alice, { by: 'alice' }), 'stopping')
      const state = await spawning.settled(alice, 10_000)

      assert.partialDeepStrictEqual(state, { phase: 'stopped', reason: { code: 'stopped_by_user' } })
      assert.deepEqual(here.world.running(), ['bob/'])
      assert.deepEqual(await here.proxy.specs(), ['/user/bob/'])
      const { db } = here.database
      const tokens = await db.selectFrom('api_tokens').select(['note', 'prefix']).orderBy('id').execute()
      assert.deepEqual(tokens.map(token => token.note).sort(), ['Server at /user/alice/', 'Server at /user/bob/'])
      assert.ok(
        tokens.some(token => token.prefix === 'own'),
        'a token that a person made is not the server’s',
      )
      const row = await db.selectFrom('spawners').selectAll().where('user_id', '=', 1).executeTakeFirstOrThrow()
      assert.partialDeepStrictEqual(row, { server_id: null, state: '{}', started: null, oauth_client_id: null })
      assert.equal((await db.selectFrom('servers').selectAll().execute()).length, 1)
      assert.equal(await spawning.stop(alice, { by: 'alice' }), 'stopped')
    })

    it('lets many requests for one server make one start', async () => {
      await using here = await site()
      const [one, two] = [await here.hub(), await here.hub()]

      const answers = await Promise.all([one, two, one, two].map(hub => hub.spawning.start(alice, by)))

      assert.equal(answers.filter(answer => answer === 'started').length, 1, answers.join())
      await two.spawning.settled(alice, 10_000)
      assert.deepEqual(here.world.running(), ['alice/'])
      assert.equal(here.world.servers.size, 1)
    })

    it('tells the story of a start at another hub', async () => {
      await using here = await site()
      const gate = Promise.withResolvers<void>()
      const owner = await here.hub({ steps: { beforeStart: () => gate.promise } })
      const other = await here.hub()
      await owner.spawning.start(alice, by)

      const story = collect(other.spawning)
      assert.equal(await other.spawning.start(alice, by), 'pending')
      gate.resolve()

      assert.partialDeepStrictEqual((await story).at(-1), { ready: true })
    })

    it('keeps the options of the last start, and checks new ones', async () => {
      await using here = await site()
      const seen: unknown[] = []
      const plain = fakeSpawner(here.world, { beforeStart: async spec => void seen.push(spec.options) })
      const spawner: typeof plain = {
        ...plain,
        checkOptions(_user, options) {
          if ((options as { cpus?: number }).cpus === 99) {
            throw new SpawnError({ code: 'option_refused', message: 'cpus: too many' }, { status: 400 })
          }
          return options
        },
      }
      const { spawning } = await here.hub({ spawner })
      await ready(spawning, alice, { cpus: 2 })
      await stopped(spawning, alice)
      await ready(spawning, alice)
      await stopped(spawning, alice)

      assert.deepEqual(seen, [{ cpus: 2 }, { cpus: 2 }])
      await assert.rejects(spawning.start(alice, { ...by, options: { cpus: 99 } }), {
        code: 'option_refused',
        status: 400,
      })
      assert.equal((await spawning.state(alice)).phase, 'stopped')
    })

    it('gives the server the environment of the contract with its own token', async () => {
      await using here = await site()
      const { spawning } = await here.hub({ environment: { publicUrl: 'https://hub.example.org' } })
      await ready(spawning, alice)
      const [server] = [...here.world.servers.values()]
      assert.equal(server!.env.JUPYTERHUB_PUBLIC_URL, 'https://hub.example.org/user/alice/')
      assert.match(server!.env.JUPYTERHUB_API_TOKEN!, /^\w{32,}$/)
      assert.equal(server!.env.JPY_API_TOKEN, server!.env.JUPYTERHUB_API_TOKEN)
    })
  })

  describe(`failing starts on ${kind.name}`, () => {
    const nothingLeft = async (here: TestSite) => {
      assert.deepEqual(here.world.running(), [])
      assert.deepEqual(await here.proxy.specs(), [])
      const { db } = here.database
      assert.deepEqual(await db.selectFrom('api_tokens').select('note').execute(), [])
      assert.deepEqual(await db.selectFrom('servers').select('id').execute(), [])
      const clients = await db.selectFrom('oauth_clients').select('identifier').execute()
      assert.deepEqual(
        clients.map(client => client.identifier),
        ['jupyterhub'],
      )
      const rows = await db.selectFrom('spawners').select(['state', 'server_id', 'started']).execute()
      for (const row of rows) assert.deepEqual(row, { state: '{}', server_id: null, started: null })
    }

    it('undo everything and leave the reason, when the server ends early', async () => {
      await using here = await site()
      const { spawning } = await here.hub({ settings: { command: [ENDS_EARLY] } })

      await spawning.start(alice, by)
      const events = await collect(spawning)

      const reason = { code: 'exited_early', logTail: 'failing on purpose' }
      assert.partialDeepStrictEqual(events.at(-1), { failed: true, reason })
      assert.partialDeepStrictEqual(await spawning.state(alice), { phase: 'failed', reason })
      await nothingLeft(here)
      const run = await here.database.db.selectFrom('orrery_runs').selectAll().executeTakeFirstOrThrow()
      assert.equal(run.failures, 1)
    })

    it('undo everything when the start takes too long', async () => {
      await using here = await site()
      const steps = { afterSave: (_spec: unknown, run: { signal: AbortSignal }) => aborted(run.signal) }
      const { spawning } = await here.hub({ steps, settings: { startTimeoutMs: 50 } })
      await spawning.start(alice, by)
      assert.partialDeepStrictEqual(await spawning.settled(alice, 10_000), {
        phase: 'failed',
        reason: { code: 'spawn_timeout' },
      })
      await nothingLeft(here)
    })

    it('undo everything when the server does not answer, with the end of its log', async () => {
      await using here = await site()
      const { spawning } = await here.hub({ steps: { answer: () => 503 }, settings: { httpTimeoutMs: 100 } })
      await spawning.start(alice, by)
      const state = await spawning.settled(alice, 10_000)
      assert.partialDeepStrictEqual(state, { phase: 'failed', reason: { code: 'http_timeout' } })
      assert.match((state as { reason: { logTail: string } }).reason.logTail, /listening on/)
      await nothingLeft(here)
    })

    it('end at once, not after the timeout, when the process dies while it is waited for', async () => {
      await using here = await site()
      const { spawning } = await here.hub({ steps: { answer: () => undefined }, settings: { httpTimeoutMs: 60_000 } })
      await spawning.start(alice, by)
      await reaches(spawning, /Waiting/)
      await here.world.crash(alice, { signal: 'SIGKILL' })
      const state = await spawning.settled(alice, 10_000)
      assert.partialDeepStrictEqual(state, { phase: 'failed', reason: { code: 'exited_early' } })
      await nothingLeft(here)
    })

    it('do not lead people to a stranger who answers at the address', async () => {
      await using here = await site()
      const spawner = { ...fakeSpawner(here.world), owns: async () => false }
      const { spawning } = await here.hub({ spawner, settings: { httpTimeoutMs: 1_000 } })
      await spawning.start(alice, by)
      assert.partialDeepStrictEqual(await spawning.settled(alice, 10_000), {
        phase: 'failed',
        reason: { code: 'address_taken' },
      })
      await nothingLeft(here)
    })

    it('undo everything when no proxy takes the route', async () => {
      await using here = await site()
      const { spawning } = await here.hub()
      await here.proxy.down()
      await spawning.start(alice, by)
      assert.partialDeepStrictEqual(await spawning.settled(alice, 10_000), {
        phase: 'failed',
        reason: { code: 'proxy_unreachable' },
      })
      await here.proxy.up()
      await nothingLeft(here)
    })

    it('undo everything when a hook refuses or an unforeseen error comes, without telling its words', async () => {
      await using here = await site()
      const hooks = { beforeStart: async () => Promise.reject(new Error('secret detail')) }
      const { spawning, logged } = await here.hub({ hooks })
      await spawning.start(alice, by)
      const state = await spawning.settled(alice, 10_000)
      assert.partialDeepStrictEqual(state, { phase: 'failed', reason: { code: 'spawn_error' } })
      assert.ok(!JSON.stringify(state).includes('secret detail'))
      assert.match(logged(), /server failed to start.*secret detail/)
      await nothingLeft(here)
    })

    for (const where of ['at the same hub', 'at another hub']) {
      it(`end when Stop is pressed ${where}`, async () => {
        await using here = await site()
        const steps = { afterSave: (_spec: unknown, run: { signal: AbortSignal }) => aborted(run.signal) }
        const owner = await here.hub({ steps })
        const presser = where === 'at the same hub' ? owner : await here.hub()
        await owner.spawning.start(alice, by)
        await reaches(owner.spawning, /Starting/)

        assert.equal(await presser.spawning.stop(alice, { by: 'root' }), 'stopping')

        const state = await presser.spawning.settled(alice, 10_000)
        assert.partialDeepStrictEqual(state, { phase: 'stopped', reason: { code: 'stopped_by_administrator' } })
        await nothingLeft(here)
        assert.partialDeepStrictEqual((await collect(presser.spawning)).at(-1), { failed: true })
      })
    }

    it('are counted, until one goes well', async () => {
      await using here = await site()
      const told: number[] = []
      let isBroken = true
      const { spawning } = await here.hub({
        steps: { beforeStart: async () => (isBroken ? Promise.reject(new Error('broken')) : undefined) },
        settings: { consecutiveFailureLimit: 2 },
        hooks: { onTooManyFailures: failures => void told.push(failures) },
      })
      for (const _ of [1, 2]) {
        await spawning.start(alice, by)
        await spawning.settled(alice, 10_000)
      }
      assert.deepEqual(told, [2])
      const failures = async () =>
        (await here.database.db.selectFrom('orrery_runs').select('failures').executeTakeFirstOrThrow()).failures
      assert.equal(await failures(), 2)
      isBroken = false
      await ready(spawning, alice)
      assert.equal(await failures(), 0)
    })

    it('leave a server that cannot be stopped on record, and try again', async () => {
      await using here = await site()
      let isStuck = true
      const steps = { beforeStop: async () => (isStuck ? Promise.reject(new Error('still there')) : undefined) }
      const { spawning } = await here.hub({ steps })
      await ready(spawning, alice)
      await spawning.stop(alice, { by: 'alice' })
      assert.partialDeepStrictEqual(await spawning.settled(alice, 10_000), {
        phase: 'failed',
        reason: { code: 'stop_failed' },
      })
      await assert.rejects(spawning.start(alice, by), { code: 'stop_failed' })
      assert.deepEqual(here.world.running(), ['alice/'])
      assert.deepEqual(await here.proxy.specs(), [])

      isStuck = false
      await ready(spawning, alice)
      assert.deepEqual(here.world.running(), ['alice/'])
      assert.equal(here.world.servers.size, 2)
    })
  })

  describe(`limits on ${kind.name}`, () => {
    it('hold back starts beyond so many at a time, and say when to come again', async () => {
      await using here = await site()
      const gate = Promise.withResolvers<void>()
      const { spawning } = await here.hub({
        steps: { beforeStart: () => gate.promise },
        settings: { concurrentSpawnLimit: 1, retryAfterSeconds: [30, 31] },
      })
      await spawning.start(alice, by)
      await assert.rejects(
        spawning.start({ user: 'bob', server: '' }, by),
        (error: { status: number; headers: object }) => {
          assert.equal(error.status, 429)
          assert.equal((error.headers as { 'Retry-After': string })['Retry-After'], '30')
          return true
        },
      )
      gate.resolve()
      await spawning.settled(alice, 10_000)
      await ready(spawning, { user: 'bob', server: '' })
    })

    it('hold back servers beyond so many', async () => {
      await using here = await site()
      const { spawning } = await here.hub({ settings: { activeServerLimit: 1 } })
      await ready(spawning, alice)
      await assert.rejects(spawning.start({ user: 'bob', server: '' }, by), { code: 'too_many_servers', status: 429 })
      await stopped(spawning, alice)
      await ready(spawning, { user: 'bob', server: '' })
    })

    it('of named servers hold for new ones', async () => {
      await using here = await site()
      const { spawning } = await here.hub({ settings: { namedServerLimit: 1 } })
      await spawning.create(gpu, { displayName: 'My GPU' })
      await assert.rejects(spawning.create(gpu, {}), { status: 409 })
      await assert.rejects(spawning.start({ user: 'alice', server: 'two' }, by), {
        code: 'too_many_named_servers',
        status: 400,
      })
      await ready(spawning, gpu)
      await assert.rejects(spawning.start({ user: 'alice', server: 'No!' }, by), { status: 400 })
      await assert.rejects(spawning.start({ user: 'nobody', server: '' }, by), { code: 'no_such_user', status: 404 })
    })

    it('of named servers may be another one for each user', async () => {
      await using here = await site()
      const { spawning } = await here.hub({
        settings: { namedServerLimit: async user => (user.name === 'bob' ? 0 : 1) },
      })
      for (const server of ['one', 'two', 'three']) await spawning.create({ user: 'bob', server }, {})
      await spawning.create({ user: 'alice', server: 'one' }, {})
      await assert.rejects(spawning.create({ user: 'alice', server: 'two' }, {}), { code: 'too_many_named_servers' })
    })

    it('of names from before JupyterHub 6: what is there may be started, or only stopped and deleted', async () => {
      await using here = await site()
      const old = { user: 'alice', server: 'My GPU' }
      const { id } = await here.database.db
        .selectFrom('users')
        .select('id')
        .where('name', '=', 'alice')
        .executeTakeFirstOrThrow()
      const row = { user_id: id, name: old.server, display_name: '', state: null, user_options: null }
      await here.database.db.insertInto('spawners').values(row).execute()
      const strict = await here.hub({ settings: { allowInvalidNamedServerStart: false } })
      const lenient = await here.hub()

      await assert.rejects(strict.spawning.start(old, by), { code: 'invalid_server_name', status: 400 })
      await ready(lenient.spawning, old)
      assert.equal(await strict.spawning.stop(old, { by: 'alice' }), 'stopping')
      await strict.spawning.settled(old, 10_000)
      assert.equal(await strict.spawning.remove(old, { by: 'alice' }), 'removed')
    })

    it('of named servers: none at all unless allowed', async () => {
      await using here = await site()
      const { spawning } = await here.hub({ settings: { allowNamedServers: false } })
      await assert.rejects(spawning.start(gpu, by), { code: 'named_servers_disabled', status: 400 })
    })
  })

  describe(`removal on ${kind.name}`, () => {
    it('deletes a stopped server with what its spawner keeps for it', async () => {
      await using here = await site()
      const forgotten: string[] = []
      const spawner = {
        ...fakeSpawner(here.world),
        forget: async (key: { server: string }) => void forgotten.push(key.server),
      }
      const { spawning } = await here.hub({ spawner })
      await spawning.create(gpu, {})
      assert.equal(await spawning.remove(gpu, { by: 'alice' }), 'removed')
      assert.deepEqual(forgotten, ['gpu'])
      assert.deepEqual(await here.database.db.selectFrom('spawners').select('id').execute(), [])
    })

    it('deletes a running server when it is stopped', async () => {
      await using here = await site()
      const { spawning } = await here.hub()
      await ready(spawning, gpu)
      assert.equal(await spawning.remove(gpu, { by: 'alice' }), 'stopping')
      await spawning.settled(gpu, 10_000)
      assert.deepEqual(here.world.running(), [])
      const rows = () => here.database.db.selectFrom('spawners').select('id').execute()
      await until('it is deleted, a moment after it has stopped', async () => (await rows()).length === 0)
    })
  })
}

async function ready(
  spawning: Spawning,
  key: { user: string; server: string },
  options?: { cpus: number },
): Promise<void> {
  await spawning.start(key, { ...by, ...(options && { options }) })
  const state = await spawning.settled(key, 10_000)
  assert.equal(state.phase, 'ready', JSON.stringify(state))
}

async function stopped(spawning: Spawning, key: { user: string; server: string }): Promise<void> {
  await spawning.stop(key, { by: key.user })
  assert.equal((await spawning.settled(key, 10_000)).phase, 'stopped')
}

async function collect(spawning: Spawning): Promise<ProgressEvent[]> {
  const events: ProgressEvent[] = []
  for await (const event of spawning.events(alice, { signal: AbortSignal.timeout(15_000) })) events.push(event)
  return events
}

/** Returns when the start has come to a line that matches. */
async function reaches(spawning: Spawning, line: RegExp): Promise<void> {
  for await (const event of spawning.events(alice, { signal: AbortSignal.timeout(15_000) })) {
    if (line.test(event.message)) return
  }
  assert.fail(`the start never came to ${line}`)
}

/** As a spawner that heeds its signal. */
function aborted(signal: AbortSignal): Promise<never> {
  return new Promise((_, reject) => {
    signal.addEventListener('abort', () => reject(signal.reason))
    if (signal.aborted) reject(signal.reason)
  })
}
