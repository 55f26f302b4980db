import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { type Logger, silentLogger } from '../core/runtime.ts'
import type { Database } from '../db/database.ts'
import { openDatabase } from '../db/open-database.ts'
import { createRouteKeeper, type RouteKeeperOptions } from './route-keeper.ts'
import { startTestProxy, type TestProxy } from './testing.ts'

const HUB = 'http://127.0.0.1:8081'

describe('route keeper', () => {
  it('sets the routes of the hub and of every running server, and clears what is stale', async () => {
    await using proxy = await startTestProxy()
    await using hub = await testHub([proxy])
    await hub.addServer('alice', '', 4001)
    await hub.addServer('bob', 'gpu', 4002)
    await proxy.api.addRoute('/user/ghost/', 'http://127.0.0.1:9', { user: 'ghost', server_name: '' })

    await hub.keeper.start()

    assert.deepEqual(await proxy.specs(), ['/', '/user/alice/', '/user/bob/gpu/'])
    const route = (await proxy.api.getRoutes()).get('/user/bob/gpu/')!
    assert.deepEqual({ ...route.data }, { user: 'bob', server_name: 'gpu' })
    assert.equal(route.target, 'http://127.0.0.1:4002')
  })

  it('leads a route to where the database says the server is', async () => {
    await using proxy = await startTestProxy()
    await using hub = await testHub([proxy])
    await hub.addServer('alice', '', 4001)
    await proxy.api.addRoute('/user/alice/', 'http://127.0.0.1:9', { user: 'alice', server_name: '' })
    await hub.keeper.reconcile()
    assert.equal((await proxy.api.getRoutes()).get('/user/alice/')?.target, 'http://127.0.0.1:4001')
  })

  it('leaves routes of servers that are starting or stopping as they are', async () => {
    await using proxy = await startTestProxy()
    await using hub = await testHub([proxy])
    const spawnerId = await hub.addServer('alice', '', 4001)
    await hub.setPhase(spawnerId, 'stopping')

    await hub.keeper.reconcile()
    assert.deepEqual(await proxy.specs(), ['/'])

    await proxy.api.addRoute('/user/alice/', 'http://127.0.0.1:4001', { user: 'alice', server_name: '' })
    await hub.keeper.reconcile()
    assert.deepEqual(await proxy.specs(), ['/', '/user/alice/'])
  })

  it('keeps the routes that services and the config ask for', async () => {
    await using proxy = await startTestProxy()
    const route = { target: 'http://127.0.0.1:4100', data: { service: 'docs' } }
    await using hub = await testHub([proxy], { moreRoutes: () => new Map([['/services/docs/', route]]) })
    await hub.keeper.reconcile()
    assert.deepEqual(await proxy.specs(), ['/', '/services/docs/'])
  })

  it('restores a proxy that lost its table the moment it is back, and tells of down and back once each', async () => {
    await using proxy = await startTestProxy()
    const told: string[] = []
    await using hub = await testHub([proxy], { log: recording(told), watchIntervalMs: 10, reconcileIntervalMs: 60_000 })
    await hub.addServer('alice', '', 4001)
    await hub.keeper.start()
    await proxy.down()
    await until(() => hub.keeper.health()[0]?.up === false)
    await sleep(50)

    await proxy.up()
    await until(async () => (await proxy.specs()).length === 2)

    assert.deepEqual(
      told.filter(text => /proxy is/.test(text)),
      ['proxy is down', 'proxy is back'],
    )
  })

  it('leads to the hub from the path that the site names', async () => {
    await using proxy = await startTestProxy()
    await using hub = await testHub([proxy], { baseUrl: '/jupyter/', hubRoutespec: '/jupyter/hub/' })
    await hub.keeper.start()

    assert.deepEqual(await proxy.specs(), ['/jupyter/hub/'])
  })

  it('sets a route in the proxies that answer, and in the others when they are back', async () => {
    await using first = await startTestProxy()
    await using second = await startTestProxy()
    await using hub = await testHub([first, second], { watchIntervalMs: 10, reconcileIntervalMs: 60_000 })
    await hub.keeper.start()
    await second.down()

    await hub.addServer('alice', '', 4001)
    await hub.keeper.set('/user/alice/', 'http://127.0.0.1:4001', { user: 'alice', server_name: '' })

    assert.ok((await first.specs()).includes('/user/alice/'))
    await second.up()
    await until(async () => (await second.specs()).includes('/user/alice/'))
  })

  it('says so when no proxy takes a route, and does not mind when none gives one up', async () => {
    await using proxy = await startTestProxy()
    await using hub = await testHub([proxy], { patienceMs: 100 })
    await proxy.down()
    await assert.rejects(hub.keeper.set('/user/a/', 'http://127.0.0.1:1', {}), { code: 'proxy_unreachable' })
    await hub.keeper.remove('/user/a/')
  })

  it('reads newer activity from the proxies into server and user, and never older', async () => {
    await using proxy = await startTestProxy()
    await using hub = await testHub([proxy])
    await hub.addServer('alice', '', 4001)
    await hub.addServer('bob', '', 4002)
    const future = '2999-01-01 00:00:00.000000'
    await hub.database.db.updateTable('spawners').set({ last_activity: future }).where('id', '=', 2).execute()
    await hub.keeper.reconcile()

    await hub.keeper.pullActivity()

    const spawners = await hub.database.db
      .selectFrom('spawners')
      .select(['id', 'last_activity'])
      .orderBy('id')
      .execute()
    assert.match(spawners[0]!.last_activity!, /^20\d\d-\d\d-\d\d /)
    assert.equal(spawners[1]!.last_activity, future)
    const users = await hub.database.db.selectFrom('users').select('last_activity').execute()
    assert.ok(users.every(user => user.last_activity !== null))
  })
})

async function testHub(proxies: TestProxy[], options: Partial<RouteKeeperOptions> = {}) {
  const database: Database = await openDatabase('sqlite://', { log: silentLogger })
  const { db } = database
  const keeper = createRouteKeeper({
    database,
    proxies,
    hubUrl: HUB,
    log: silentLogger,
    watchIntervalMs: 60_000,
    patienceMs: 2_000,
    ...options,
  })
  return {
    database,
    keeper,
    async addServer(user: string, server: string, port: number): Promise<number> {
      const owner = await db
        .insertInto('users')
        .values({ name: user, admin: false, cookie_id: user })
        .returning('id')
        .executeTakeFirstOrThrow()
      const at = { proto: 'http', ip: '127.0.0.1', port, base_url: '/', cookie_name: 'cookie' }
      const { id: serverId } = await db.insertInto('servers').values(at).returning('id').executeTakeFirstOrThrow()
      const spawner = { user_id: owner.id, name: server, server_id: serverId }
      return (await db.insertInto('spawners').values(spawner).returning('id').executeTakeFirstOrThrow()).id
    },
    async setPhase(spawnerId: number, phase: 'stopping'): Promise<void> {
      const run = { run_id: 'r', since: '2026-01-01 00:00:00.000000', percent: 0, message: '', failures: 0 }
      await db
        .insertInto('orrery_runs')
        .values({ spawner_id: spawnerId, phase, ...run })
        .execute()
    },
    async [Symbol.asyncDispose]() {
      await keeper.close()
      await database.close()
    },
  }
}

function recording(told: string[]): Logger {
  const note = (_fields: object, message: string) => void told.push(message)
  const log: Logger = { debug: () => {}, info: note, warn: note, error: note, child: () => log }
  return log
}

async function until(condition: () => boolean | Promise<boolean>, timeoutMs = 10_000): Promise<void> {
  for (const deadline = Date.now() + timeoutMs; !(await condition()); await sleep(10)) {
    assert.ok(Date.now() < deadline, 'waited in vain')
  }
}
