import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { testDatabases } from '../db/testing.ts'
import { type FakeSteps, fakeSpawner } from '../plugin/fake-spawner.ts'
import { reachableHost } from '../routing/server-target.ts'
import { type TestHubOptions, type TestSite, type TestSpawningHub, testSite } from './testing.ts'

const alice = { user: 'alice', server: '' }
const by = { requestedBy: 'alice' }
/** What a spawner is given by a hub that closes. */
const CLOSE_GRACE_MS = 5_000

/** Where a hub is killed, and what another one then makes of it. */
interface Moment {
  title: string
  /** Options that call `die` at the moment. */
  options(die: () => Promise<never>): TestHubOptions
  /** Of the hub that comes next. */
  next?: TestHubOptions
  /** The start began before anybody who is still there. */
  longAgo?: true
  becomes: 'ready' | 'failed'
}

const moments: readonly Moment[] = [
  {
    title: 'before the token is made',
    options: die => ({ access: { scopesHeld: die } }),
    becomes: 'ready',
  },
  {
    title: 'in a hook',
    options: die => ({ hooks: { beforeStart: die } }),
    becomes: 'ready',
  },
  {
    title: 'when the spawner has made nothing yet',
    options: die => ({ steps: { beforeStart: die } }),
    becomes: 'ready',
  },
  {
    title: 'before anything was made, and so long ago that nobody waits any more',
    options: die => ({ hooks: { beforeStart: die } }),
    longAgo: true,
    becomes: 'failed',
  },
  {
    title: 'when the process runs and its state is stored, but nothing tells where',
    options: die => ({ steps: { afterSave: die } }),
    next: { steps: { tellsAddress: false } },
    becomes: 'failed',
  },
  {
    title: 'when the process runs and its state tells where',
    options: die => ({ steps: { afterSave: die } }),
    becomes: 'ready',
  },
  {
    title: 'while it waits for the server to answer',
    options: die => ({ steps: { answer: dieOnce(die) } }),
    becomes: 'ready',
  },
  {
    title: 'while it waits for the server to answer, of which only the database tells where',
    options: die => ({ steps: { answer: dieOnce(die), tellsAddress: false } }),
    next: { steps: { tellsAddress: false } },
    becomes: 'ready',
  },
  {
    title: 'before the route is set',
    options: die => ({ routes: { set: die } }),
    becomes: 'ready',
  },
]

for (const kind of testDatabases()) {
  const site = async (): Promise<TestSite> => {
    const { url, drop } = await kind.create()
    const made = await testSite({ databaseUrl: url, drop })
    await made.addUser('alice')
    return made
  }

  describe(`a hub killed during a start, on ${kind.name}`, () => {
    for (const { title, options, next, longAgo, becomes } of moments) {
      it(`${title}: the next one ${becomes === 'ready' ? 'finishes the start' : 'clears it away'}`, async () => {
        await using here = await site()
        const dead = Promise.withResolvers<void>()
        const first: TestSpawningHub = await here.hub(
          options(async () => {
            await first.crash()
            dead.resolve()
            return new Promise<never>(() => {})
          }),
        )
        await first.spawning.start(alice, by)
        await dead.promise
        await here.expireLeases()
        if (longAgo) {
          await here.database.db.updateTable('orrery_runs').set({ since: '2020-01-01 00:00:00.000000' }).execute()
        }

        const second = await here.hub(next)
        await second.spawning.recover()

        const state = await second.spawning.settled(alice, 10_000)
        assert.equal(state.phase, becomes, JSON.stringify(state))
        if (becomes === 'ready') {
          assert.deepEqual(here.world.running(), ['alice/'])
          assert.equal((await fetch(`${here.proxy.publicUrl}/user/alice/api`)).status, 200)
        } else {
          assert.partialDeepStrictEqual(state, { reason: { code: 'hub_restarted' } })
          await nothingLeft(here)
        }
        await second.spawning.start(alice, by)
        assert.equal((await second.spawning.settled(alice, 10_000)).phase, 'ready')
        assert.deepEqual(here.world.running(), ['alice/'])
        const tokens = await here.database.db.selectFrom('api_tokens').select('id').execute()
        assert.equal(tokens.length, 1)
      })
    }
  })

  describe(`a hub killed later, on ${kind.name}`, () => {
    it('loses no server: the next one finds it, with its route', async () => {
      await using here = await site()
      const first = await here.hub()
      await first.spawning.start(alice, by)
      await first.spawning.settled(alice, 10_000)
      await first.crash()
      await here.expireLeases()
      await here.proxy.down()
      await here.proxy.up()

      const second = await here.hub()
      await second.spawning.recover()
      await second.routes.reconcile()

      assert.equal((await second.spawning.state(alice)).phase, 'ready')
      assert.equal((await fetch(`${here.proxy.publicUrl}/user/alice/api`)).status, 200)
    })

    it('finishes a stop that was begun', async () => {
      await using here = await site()
      const dead = Promise.withResolvers<void>()
      const steps: FakeSteps = {
        beforeStop: async () => {
          await first.crash()
          dead.resolve()
          return new Promise<never>(() => {})
        },
      }
      const first: TestSpawningHub = await here.hub({ steps })
      await first.spawning.start(alice, by)
      await first.spawning.settled(alice, 10_000)
      await first.spawning.stop(alice, { by: 'alice' })
      await dead.promise
      await here.expireLeases()

      const second = await here.hub()
      assert.equal((await second.spawning.state(alice)).phase, 'stopping')
      await second.spawning.recover()

      assert.partialDeepStrictEqual(await second.spawning.settled(alice, 10_000), {
        phase: 'stopped',
        reason: { code: 'stopped_by_user' },
      })
      await nothingLeft(here)
    })

    it('clears away a server that ended while no hub was there, and says so', async () => {
      await using here = await site()
      const first = await here.hub()
      await first.spawning.start(alice, by)
      await first.spawning.settled(alice, 10_000)
      await first.crash()
      await here.expireLeases()
      await here.world.crash(alice, { status: 1 })

      const second = await here.hub()
      await second.spawning.recover()

      assert.partialDeepStrictEqual(await second.spawning.state(alice), {
        phase: 'failed',
        reason: { code: 'server_died' },
      })
      await nothingLeft(here)
    })

    it('does not take a stranger on the same address for the server', async () => {
      await using here = await site()
      const first = await here.hub()
      await first.spawning.start(alice, by)
      await first.spawning.settled(alice, 10_000)
      await first.crash()
      await here.expireLeases()

      const second = await here.hub({ spawner: { ...fakeSpawner(here.world), owns: async () => false } })
      await second.spawning.recover()

      assert.partialDeepStrictEqual(await second.spawning.state(alice), {
        phase: 'failed',
        reason: { code: 'address_taken' },
      })
      await nothingLeft(here)
    })

    it('keeps a server of which nothing can be learned', async () => {
      await using here = await site()
      const first = await here.hub()
      await first.spawning.start(alice, by)
      await first.spawning.settled(alice, 10_000)
      await first.crash()
      await here.expireLeases()

      const poll = async () => Promise.reject(new Error('scheduler does not answer'))
      const second = await here.hub({ spawner: { ...fakeSpawner(here.world), poll } })
      await second.spawning.recover()

      assert.equal((await second.spawning.state(alice)).phase, 'ready')
      assert.deepEqual(here.world.running(), ['alice/'])
    })
  })

  describe(`a hub that closes, on ${kind.name}`, () => {
    it('hands a pending start over instead of stopping it', async () => {
      await using here = await site()
      let status = 503
      const first = await here.hub({ steps: { answer: () => status } })
      await first.spawning.start(alice, by)
      for await (const event of first.spawning.events(alice)) if (/Waiting/.test(event.message)) break

      await first.spawning.close()

      assert.deepEqual(here.world.running(), ['alice/'])
      assert.equal((await first.spawning.state(alice)).phase, 'spawning')
      status = 200
      const second = await here.hub()
      await second.spawning.recover()
      assert.equal((await second.spawning.settled(alice, 10_000)).phase, 'ready')
    })

    it('waits for no spawner whose state tells all', async () => {
      await using here = await site()
      const saved = Promise.withResolvers<void>()
      const steps: FakeSteps = {
        afterSave: async (_, { signal }) => {
          saved.resolve()
          await new Promise((_, reject) => signal.addEventListener('abort', () => reject(signal.reason)))
        },
      }
      const first = await here.hub({ steps })
      await first.spawning.start(alice, by)
      await saved.promise

      const began = performance.now()
      await first.spawning.close()

      assert.ok(performance.now() - began < CLOSE_GRACE_MS)
      assert.deepEqual(here.world.running(), ['alice/'])
      const second = await here.hub()
      await second.spawning.recover()
      assert.equal((await second.spawning.settled(alice, 10_000)).phase, 'ready')
    })
  })

  describe(`rows of the released JupyterHub on ${kind.name}`, () => {
    it('are adopted when the server runs, and can be stopped', async () => {
      await using here = await site()
      const first = await here.hub()
      await first.spawning.start(alice, by)
      await first.spawning.settled(alice, 10_000)
      await first.crash()
      await here.expireLeases()
      // As if JupyterHub had started it: it knows nothing of our tables.
      await here.database.db.deleteFrom('orrery_runs').execute()
      await here.database.db.deleteFrom('orrery_progress').execute()

      const second = await here.hub()
      assert.equal((await second.spawning.state(alice)).phase, 'ready')
      await second.spawning.recover()
      assert.equal((await second.spawning.state(alice)).phase, 'ready')
      await second.spawning.stop(alice, { by: 'alice' })
      assert.equal((await second.spawning.settled(alice, 10_000)).phase, 'stopped')
      await nothingLeft(here)
    })

    it('are stopped servers when JupyterHub stopped what we had started', async () => {
      await using here = await site()
      const first = await here.hub()
      await first.spawning.start(alice, by)
      await first.spawning.settled(alice, 10_000)
      await first.crash()
      await here.expireLeases()
      await here.world.crash(alice, {})
      await here.database.db.updateTable('spawners').set({ server_id: null, state: '{}', started: null }).execute()
      await here.database.db.deleteFrom('servers').execute()

      const second = await here.hub()
      await second.spawning.recover()

      assert.equal((await second.spawning.state(alice)).phase, 'stopped')
      await second.spawning.start(alice, by)
      assert.equal((await second.spawning.settled(alice, 10_000)).phase, 'ready')
    })
  })

  describe(`the poll loop on ${kind.name}`, () => {
    it('notices that a server ended, and why', async () => {
      await using here = await site()
      const { spawning } = await here.hub({ settings: { pollIntervalMs: 20 } })
      await spawning.recover()
      await spawning.start(alice, by)
      await spawning.settled(alice, 10_000)

      await here.world.crash(alice, { signal: 'SIGKILL', reason: 'out_of_memory' })
      await leaves(here, 'ready')

      const state = await spawning.settled(alice, 10_000)
      assert.partialDeepStrictEqual(state, { phase: 'failed', reason: { code: 'out_of_memory' } })
      assert.match((state as { reason: { logTail: string } }).reason.logTail, /ends/)
      await nothingLeft(here)
    })

    it('takes it as stopped when the server was shut down from within', async () => {
      await using here = await site()
      const { spawning } = await here.hub({ settings: { pollIntervalMs: 20 } })
      await spawning.recover()
      await spawning.start(alice, by)
      await spawning.settled(alice, 10_000)
      await here.world.crash(alice, { status: 0 })
      await leaves(here, 'ready')
      assert.partialDeepStrictEqual(await spawning.settled(alice, 10_000), {
        phase: 'stopped',
        reason: { code: 'server_shut_down' },
      })
    })

    it('adopts the start of a hub that died, without a restart', async () => {
      await using here = await site()
      const dead = Promise.withResolvers<void>()
      const first: TestSpawningHub = await here.hub({
        routes: {
          set: async () => {
            await first.crash()
            dead.resolve()
            return new Promise<never>(() => {})
          },
        },
      })
      const second = await here.hub({ settings: { leaseTermMs: 300 } })
      await second.spawning.recover()
      await first.spawning.start(alice, by)
      await dead.promise
      await here.database.db
        .updateTable('orrery_leases')
        .set({ expires_at: '2020-01-01 00:00:00.000000' })
        .where('name', '=', 'spawn:alice/')
        .execute()
      assert.equal((await second.spawning.settled(alice, 10_000)).phase, 'ready')
    })
  })

  it(`stopAll on ${kind.name} tries again what could not be stopped`, async () => {
    await using here = await site()
    let tries = 0
    const steps: FakeSteps = {
      beforeStop: async () => {
        if (++tries === 1) throw new Error('the launcher is gone')
      },
    }
    const { spawning } = await here.hub({ steps })
    await spawning.start(alice, by)
    await spawning.settled(alice, 10_000)

    await spawning.stopAll({ by: 'system' })

    assert.deepEqual(here.world.running(), [])
    assert.equal((await spawning.state(alice)).phase, 'stopped')
    assert.equal(tries, 2)
  })

  it(`stopAll on ${kind.name} stops every server`, async () => {
    await using here = await site()
    await here.addUser('bob')
    const { spawning } = await here.hub()
    for (const user of ['alice', 'bob']) await spawning.start({ user, server: '' }, by)
    await spawning.settled(alice, 10_000)
    await spawning.settled({ user: 'bob', server: '' }, 10_000)
    await spawning.stopAll({ by: 'system', reason: { code: 'hub_stopped', message: 'The hub was shut down.' } })
    assert.deepEqual(here.world.running(), [])
    assert.partialDeepStrictEqual(await spawning.state(alice), { reason: { code: 'hub_stopped' } })
  })
}

/** Kills at the first request; the server itself answers again for the next hub. */
function dieOnce(die: () => Promise<never>): NonNullable<FakeSteps['answer']> {
  let isDead = false
  return () => {
    if (isDead) return 200
    isDead = true
    void die()
    return 503
  }
}

async function leaves(here: TestSite, phase: 'ready'): Promise<void> {
  for (const deadline = Date.now() + 10_000; Date.now() < deadline; ) {
    const run = await here.database.db.selectFrom('orrery_runs').select('phase').executeTakeFirst()
    if (run?.phase !== phase) return
    await new Promise(resolve => setTimeout(resolve, 10))
  }
  assert.fail(`it is still ${phase}`)
}

async function nothingLeft(here: TestSite): Promise<void> {
  assert.deepEqual(here.world.running(), [])
  assert.ok(!(await here.proxy.specs()).includes('/user/alice/'))
  const { db } = here.database
  assert.deepEqual(await db.selectFrom('api_tokens').select('note').execute(), [])
  assert.deepEqual(await db.selectFrom('servers').select('id').execute(), [])
  const clients = await db.selectFrom('oauth_clients').select('identifier').execute()
  assert.deepEqual(
    clients.map(client => client.identifier),
    ['jupyterhub'],
  )
}

it('reaches a server that listens everywhere by the name of this machine', () => {
  assert.equal(reachableHost('10.0.0.1'), '10.0.0.1')
  assert.notEqual(reachableHost('0.0.0.0'), '0.0.0.0')
})
