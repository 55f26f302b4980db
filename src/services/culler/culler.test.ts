import assert from 'node:assert/strict'
import { randomUUID } from 'node:crypto'
import { describe, it } from 'node:test'
import { until } from '../../../test/support/until.ts'
import { type Logger, systemClock } from '../../core/runtime.ts'
import { type ServerKey, serverKeyText } from '../../core/server-key.ts'
import { toDbTime } from '../../db/db-time.ts'
import { testDatabases } from '../../db/testing.ts'
import { deleteUser } from '../../features/users/user-store.ts'
import type { FakeSteps } from '../../plugin/fake-spawner.ts'
import { fakeSpawner } from '../../plugin/fake-spawner.ts'
import { activeServersOf, findServer } from '../../spawning/server-row.ts'
import { type TestHubOptions, type TestSite, type TestSpawningHub, testSite } from '../../spawning/testing.ts'
import type { CullerSettings } from './context.ts'
import { createCuller } from './culler.ts'

const alice = { user: 'alice', server: '' }
const gpu = { user: 'alice', server: 'gpu' }
const bob = { user: 'bob', server: '' }
const HOUR = 3600

/** What a fake server says of itself. */
interface Told {
  idleHours?: number
  kernels?: readonly string[]
  connections?: number
  /** A status instead of all that; `silence` for none. */
  instead?: number | 'silence'
}

for (const kind of testDatabases()) {
  describe(`culler on ${kind.name}`, () => {
    it('stops what is idle behind an open tab, keeps a busy kernel, and says why', async () => {
      await using here = await site()
      const { hub, told } = await servers(here, { alice: alice, bob: bob })
      // The time that a server tells has whole seconds.
      told.set('alice/', { idleHours: 2.01, kernels: ['idle'], connections: 2 })
      told.set('bob/', { idleHours: 2, kernels: ['idle', 'busy'], connections: 0 })

      await using culling = culler(hub, { idleTimeout: HOUR, maxAge: 2 * HOUR })
      const state = await stopped(hub, alice)
      await culling.goesOn()

      assert.deepEqual(state.reason, {
        code: 'culled_idle',
        message: 'The server was stopped because nothing was done on it for 2 hours; the limit is 1 hour.',
        nextStep: 'Start it again.',
      })
      assert.deepEqual(here.world.running(), ['bob/'])
      const line = culling.logged().match(/^server culled (.*)$/m)?.[1] ?? ''
      const { idleSeconds, ...rest } = JSON.parse(line)
      assert.ok(idleSeconds >= 2 * HOUR && idleSeconds < 3 * HOUR, `${idleSeconds}`)
      assert.partialDeepStrictEqual(rest, {
        user: 'alice',
        server: '',
        kernels: 1,
        busy: 0,
        connections: 2,
        rule: 'idle',
      })
    })

    it('stops what is too old, in use or not, as soon as no kernel is busy', async () => {
      await using here = await site()
      const { hub, told } = await servers(here, { alice: alice })
      told.set('alice/', { idleHours: 0, kernels: ['busy'] })
      await using culling = culler(hub, { maxAge: HOUR })
      await culling.goesOn()
      assert.deepEqual(here.world.running(), ['alice/'])

      told.set('alice/', { idleHours: 0, kernels: ['idle'] })

      assert.equal((await stopped(hub, alice)).reason?.code, 'culled_age')
    })

    it("goes by the hub's own word where a server has none, and keeps what is unclear", async () => {
      await using here = await site()
      const { hub, told } = await servers(here, { alice: alice, gpu: gpu, bob: bob })
      told.set('alice/', { instead: 404 })
      told.set('alice/gpu', { instead: 'silence' })
      told.set('bob/', { instead: 403 })
      await seen(here, alice, 3)
      await seen(here, gpu, 0)
      await seen(here, bob, 3)

      await using culling = culler(hub, { idleTimeout: HOUR })
      await stopped(hub, alice)
      await culling.goesOn()
      assert.deepEqual(here.world.running(), ['alice/gpu', 'bob/'])

      await seen(here, gpu, 3)
      await stopped(hub, gpu)
      assert.deepEqual(here.world.running(), ['bob/'])
    })

    it("does not go by the hub's own word before it has watched for a while", async () => {
      await using here = await site()
      const { hub, told } = await servers(here, { alice: alice })
      told.set('alice/', { instead: 404 })
      await seen(here, alice, 3)

      await using culling = culler(hub, { idleTimeout: HOUR, trustHubAfter: HOUR })
      await culling.goesOn()

      assert.deepEqual(here.world.running(), ['alice/'])
    })

    it('leaves alone what its spawner does not know, what starts, and what it is not meant for', async () => {
      await using here = await site()
      const spawner = fakeSpawner(here.world)
      const blind = { ...spawner, poll: async () => Promise.reject(new Error('scheduler is away')) }
      const seeing = await servers(here, { alice: alice, gpu: gpu })
      seeing.told.set('alice/', { idleHours: 9 })
      seeing.told.set('alice/gpu', { idleHours: 9 })
      const hub = await here.hub({ spawner: blind })
      const hanging = await here.hub({ steps: { beforeStart: () => new Promise(() => {}) } })
      await hanging.spawning.start(bob, { requestedBy: 'bob' })

      await using culling = culler(hub, { idleTimeout: 1, cullNamedServers: false })
      await culling.goesOn()

      assert.deepEqual(here.world.running(), ['alice/', 'alice/gpu'])
      assert.equal((await hub.spawning.state(bob)).phase, 'spawning')
      assert.match(hub.logged(), /server could not be polled/)
      assert.doesNotMatch(culling.logged(), /server culled/)
      await hanging.crash()
    })

    it('deletes named servers when told to, and holds others to other limits', async () => {
      await using here = await site()
      const { hub, told } = await servers(here, { alice: alice, gpu: gpu, bob: bob })
      for (const name of ['alice/', 'alice/gpu', 'bob/']) told.set(name, { idleHours: 2 })
      await join(here, 'bob', 'staff')

      await using culling = culler(hub, {
        idleTimeout: HOUR,
        cullDefaultServers: true,
        removeNamedServers: true,
        perGroup: { staff: { idleTimeout: 2.5 * HOUR } },
      })
      await stopped(hub, alice)
      await until('the named server is deleted', async () => !(await findServer(here.database, gpu)))
      await culling.goesOn()

      assert.deepEqual(here.world.running(), ['bob/'])
    })

    it('deletes users once their servers are gone, administrators never unasked', async () => {
      await using here = await site()
      await here.addUser('root', { admin: true })
      const { hub, told } = await servers(here, { alice: alice, bob: bob })
      told.set('alice/', { idleHours: 9 })
      told.set('bob/', { idleHours: 9, kernels: ['busy'] })
      await here.database.db
        .updateTable('users')
        .set({ created: hoursAgo(9), last_activity: hoursAgo(9) })
        .execute()
      const names = async () => (await here.database.db.selectFrom('users').select('name').execute()).map(u => u.name)

      await using culling = culler(hub, { idleTimeout: HOUR, cullUsers: true })
      await stopped(hub, alice)
      await culling.goesOn()
      assert.deepEqual((await names()).sort(), ['alice', 'bob', 'root'], 'her stop was a moment ago')
      await here.database.db
        .updateTable('users')
        .set({ last_activity: hoursAgo(9) })
        .execute()
      await until('alice is deleted', async () => !(await names()).includes('alice'))

      assert.deepEqual((await names()).sort(), ['bob', 'root'])
    })

    it('works in one hub at a time, and goes on in another', async () => {
      await using here = await site()
      const { hub: first, told } = await servers(here, { alice: alice })
      const second = await here.hub({ steps: tellingSteps(told) })
      told.set('alice/', { idleHours: 2, kernels: ['busy'] })
      await using dying = culler(first, { idleTimeout: HOUR })
      await dying.goesOn()
      await using culling = culler(second, { idleTimeout: HOUR })
      const holder = async () =>
        (
          await here.database.db
            .selectFrom('orrery_leases')
            .select('holder')
            .where('name', '=', 'culler')
            .executeTakeFirst()
        )?.holder
      const before = await holder()
      await dying.goesOn()
      assert.equal(await holder(), before)
      assert.equal(culling.looks(), 0)

      await first.crash()
      await dying.ended()
      await here.expireLeases()
      told.set('alice/', { idleHours: 2, kernels: [] })

      await stopped(second, alice)
      assert.notEqual(await holder(), before)
    })

    it('leaves no token behind', async () => {
      await using here = await site()
      const { hub, told } = await servers(here, { alice: alice })
      told.set('alice/', { idleHours: 2, kernels: ['busy'] })
      const notes = async () =>
        (await here.database.db.selectFrom('api_tokens').select('note').execute()).map(t => t.note)

      const culling = culler(hub, { idleTimeout: HOUR })
      await culling.goesOn()
      await culling.ended()

      assert.deepEqual(await notes(), ['Server at /user/alice/'])
    })
  })

  async function site(): Promise<TestSite> {
    const made = await testSite(await databaseOf())
    await made.addUser('alice')
    await made.addUser('bob')
    return made
  }

  async function databaseOf() {
    const { url, drop } = await kind.create()
    return { databaseUrl: url, drop }
  }
}

/** Servers that run for three hours, on a hub whose fake servers say what `told` has for them. */
async function servers(here: TestSite, keys: Record<string, ServerKey>, options: TestHubOptions = {}) {
  const told = new Map<string, Told>()
  const hub = await here.hub({ steps: tellingSteps(told), ...options })
  for (const key of Object.values(keys)) {
    await hub.spawning.start(key, { requestedBy: key.user })
    assert.equal((await hub.spawning.settled(key, 20_000)).phase, 'ready')
  }
  await here.database.db
    .updateTable('spawners')
    .set({ started: hoursAgo(3) })
    .execute()
  return { hub, told }
}

function tellingSteps(told: Map<string, Told>): FakeSteps {
  const toldOf = (url: string) => told.get(decodeURIComponent(url).replace(/^\/user\/(\w+\/\w*?)\/?api\/.*$/, '$1'))
  const isQuestion = (url: string) => /\/api\/(status|kernels|terminals)/.test(url)
  return {
    answer({ url = '' }) {
      const instead = isQuestion(url) ? toldOf(url)?.instead : undefined
      return instead === 'silence' ? undefined : (instead ?? 200)
    },
    body({ url = '' }, key) {
      const { idleHours = 0, kernels = [], connections = 0 } = told.get(serverKeyText(key)) ?? {}
      const at = new Date(Date.now() - idleHours * HOUR * 1000).toISOString()
      if (url.includes('/api/status')) return { last_activity: at, kernels: kernels.length, connections, started: at }
      if (url.includes('/api/kernels')) return kernels.map(state => ({ execution_state: state, last_activity: at }))
      if (url.includes('/api/terminals')) return []
      return undefined
    },
  }
}

interface Culling extends AsyncDisposable {
  logged(): string
  /** How often a server was looked at. */
  looks(): number
  /** Returns after some more looks. */
  goesOn(): Promise<void>
  ended(): Promise<void>
}

function culler(hub: TestSpawningHub, settings: Partial<CullerSettings>): Culling {
  const { database, spawning, access } = hub
  const lines: string[] = []
  const write = (fields: object, message: string) => void lines.push(`${message} ${JSON.stringify(fields)}`)
  const log: Logger = { debug: write, info: write, warn: write, error: write, child: () => log }
  let looks = 0
  const made = createCuller({
    database,
    spawning,
    // Each look needs a token.
    access: { ...access, issueToken: (token, via) => access.issueToken(token, via).finally(() => looks++) },
    holder: randomUUID(),
    baseUrl: '/',
    settings: {
      idleTimeout: 0,
      maxAge: 0,
      every: 0.05,
      cullDefaultServers: true,
      cullNamedServers: true,
      removeNamedServers: false,
      cullUsers: false,
      cullAdminUsers: false,
      concurrency: 2,
      perGroup: {},
      perUser: {},
      trustHubAfter: 0,
      ...settings,
    },
    async removeUser({ id, name }) {
      if ((await activeServersOf(database, name)) > 0) return 'not yet'
      await deleteUser(database.db, id)
      return 'removed'
    },
    log,
    clock: systemClock,
  })
  made.start()
  return {
    logged: () => lines.join('\n'),
    looks: () => looks,
    async goesOn() {
      const before = looks
      await until('the culler looks', () => looks >= before + 6).catch(error => {
        throw new Error(`${error}\n${lines.join('\n')}`)
      })
    },
    ended: () => made.close(),
    [Symbol.asyncDispose]: () => made.close(),
  }
}

async function stopped(hub: TestSpawningHub, key: ServerKey) {
  return until(`${serverKeyText(key)} is stopped`, async () => {
    const state = await hub.spawning.state(key)
    return state.phase === 'stopped' && state
  })
}

/** By the hub's own `last_activity`. */
async function seen(here: TestSite, key: ServerKey, hours: number): Promise<void> {
  const server = await findServer(here.database, key)
  await here.database.db
    .updateTable('spawners')
    .set({ last_activity: hoursAgo(hours) })
    .where('id', '=', server!.spawnerId)
    .execute()
}

async function join(here: TestSite, user: string, group: string): Promise<void> {
  const { db } = here.database
  const { id } = await db.selectFrom('users').select('id').where('name', '=', user).executeTakeFirstOrThrow()
  const made = await db
    .insertInto('groups')
    .values({ name: group, properties: '{}' })
    .returning('id')
    .executeTakeFirstOrThrow()
  await db.insertInto('user_group_map').values({ user_id: id, group_id: made.id }).execute()
}

function hoursAgo(hours: number): string {
  return toDbTime(new Date(Date.now() - hours * HOUR * 1000))
}
