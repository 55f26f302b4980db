import assert from 'node:assert/strict'
import { after, before, describe, it } from 'node:test'
import type { FastifyInstance } from 'fastify'
import { silentLogger, systemClock } from '../../core/runtime.ts'
import { testDatabases } from '../../db/testing.ts'
import { createHubServer } from '../../http/hub-server.ts'
import { type TestSite, type TestSpawningHub, testSite } from '../../spawning/testing.ts'
import { putRole } from '../roles/store.ts'
import { checkedInject } from '../testing.ts'
import { usageApi } from './api.ts'
import { addMachineSample } from './machine-samples.ts'

const MB = 2 ** 20

describe('the API of usage', () => {
  let site: TestSite
  let hub: TestSpawningHub
  let server: FastifyInstance
  const tokens = new Map<string, string>()
  before(async () => {
    const { url, drop } = await testDatabases()[0]!.create()
    site = await testSite({ databaseUrl: url, drop })
    // So quick that each request looks anew.
    let looks = 0
    hub = await site.hub({ usageClock: { now: () => new Date(Date.now() + ++looks * 600_000) } })
    for (const name of ['root', 'ada', 'bob', 'cem']) {
      const id = await site.addUser(name, { admin: name === 'root' })
      tokens.set(name, (await hub.access.issueToken({ user: { id } })).token)
    }
    for (const [user, name] of [
      ['bob', ''],
      ['ada', 'gpu'],
      ['ada', ''],
    ] as const) {
      await hub.spawning.start({ user, server: name }, { requestedBy: user })
      await hub.spawning.settled({ user, server: name }, 10_000)
    }
    use('ada/', { memoryBytes: 412 * MB, memoryLimitBytes: 1024 * MB, cpuLimit: 2, processes: 5, memoryKills: 3 })
    use('ada/gpu', { memoryBytes: 10 * MB })
    use('bob/', { memoryBytes: 20 * MB })
    server = createHubServer({ log: silentLogger, baseUrl: '/' })
    await server.register(hub.access.hooks)
    const { access, database, usage } = hub
    await server.register(usageApi({ access, database, usage, clock: systemClock }))
  })
  after(async () => {
    await server?.close()
    await site?.[Symbol.asyncDispose]()
  })

  const use = (name: string, usage: { memoryBytes: number; [more: string]: number }) =>
    site.world.used.set(name, { cpuSeconds: 1, ...usage })
  async function ask(who: string | undefined, path: string) {
    const headers = who === undefined ? {} : { authorization: `token ${tokens.get(who)}` }
    const answer = await checkedInject(server)({ method: 'GET', url: `/hub/api/orrery/${path}`, headers })
    return { status: answer.statusCode, body: answer.json() }
  }
  const names = ({ body }: { body: { items: { user: string; server: string }[] } }) =>
    body.items.map(each => `${each.user}/${each.server}`)

  it('tells people of their own servers, administrators of all', async () => {
    assert.deepEqual(names(await ask('ada', 'usage')), ['ada/', 'ada/gpu'])
    assert.deepEqual(names(await ask('cem', 'usage')), [])
    assert.deepEqual(names(await ask('root', 'usage')), ['ada/', 'ada/gpu', 'bob/'])
    assert.equal((await ask(undefined, 'usage')).status, 403)
  })

  it('has memory, processors and their limits, and earlier looks on request', async () => {
    const { body } = await ask('ada', 'usage?points=2')

    assert.partialDeepStrictEqual(body.items[0], {
      user: 'ada',
      server: '',
      memory_bytes: 412 * MB,
      memory_limit_bytes: 1024 * MB,
      cpu: 0,
      cpu_limit: 2,
      processes: 5,
      memory_kills: 3,
      last_memory_kill: null,
    })
    assert.equal(body.items[0].points.length, 2)
    assert.equal(body.items[0].points[1].at, body.items[0].at)
    assert.partialDeepStrictEqual(body.items[1], { memory_limit_bytes: null, cpu_limit: null, processes: null })
    assert.deepEqual((await ask('ada', 'usage')).body.items[0].points, [])
  })

  it('comes in pages, and for one user', async () => {
    const first = await ask('root', 'usage?limit=2')
    assert.deepEqual(names(first), ['ada/', 'ada/gpu'])
    assert.partialDeepStrictEqual(first.body._pagination, { total: 3, next: { offset: 2 } })
    assert.deepEqual(names(await ask('root', 'usage?limit=2&offset=2')), ['bob/'])
    assert.deepEqual(names(await ask('root', 'usage?user=bob')), ['bob/'])
    assert.deepEqual(names(await ask('ada', 'usage?user=bob')), [])
  })

  it('tells those who look after a group of its servers', async () => {
    const { db } = hub.database
    const idOf = async (name: string) =>
      (await db.selectFrom('users').select('id').where('name', '=', name).executeTakeFirstOrThrow()).id
    const physics = await db.insertInto('groups').values({ name: 'physics' }).returning('id').executeTakeFirstOrThrow()
    const scopes = ['read:servers!group=physics']
    const role_id = await putRole(db, { name: 'wardens', description: 'Look after physics', scopes })
    await db
      .insertInto('user_group_map')
      .values({ user_id: await idOf('bob'), group_id: physics.id })
      .execute()
    await db
      .insertInto('user_role_map')
      .values({ user_id: await idOf('cem'), role_id, managed_by_auth: false })
      .execute()
    hub.access.changed()

    assert.deepEqual(names(await ask('cem', 'usage')), ['bob/'])
  })

  it('refuses what is no number of points', async () => {
    for (const query of ['usage?points=61', 'usage?points=x', 'machine?points=1441', 'machine?points=-1']) {
      const { status, body } = await ask('root', query)
      assert.deepEqual([status, body.code], [400, 'invalid_query'], query)
    }
  })

  it('forgets a server that was stopped', async () => {
    await hub.spawning.stop({ user: 'bob', server: '' }, { by: 'bob' })
    await hub.spawning.settled({ user: 'bob', server: '' }, 10_000)

    assert.deepEqual(names(await ask('root', 'usage')), ['ada/', 'ada/gpu'])
  })

  it('tells of the machine to who may read metrics', async () => {
    const machine = { processors: 2, cpu: 1, memoryBytes: 5, memoryTotalBytes: 10, load: 0.5 }
    await addMachineSample(hub.database, new Date(Date.now() - 60_000), machine, 7)

    assert.equal((await ask('ada', 'machine')).status, 403)
    const { body } = await ask('root', 'machine?points=10')

    assert.deepEqual(body.now.disks[0].holds, ['data folder', 'homes'])
    assert.ok(body.now.memory_bytes > 0 && body.now.memory_bytes < body.now.memory_total_bytes)
    assert.equal(body.now.servers, 2)
    assert.partialDeepStrictEqual(body.day, [{ cpu: 1, memory_bytes: 5, load: 0.5, servers: 7 }])
    assert.deepEqual((await ask('root', 'machine')).body.day, [])
  })
})
