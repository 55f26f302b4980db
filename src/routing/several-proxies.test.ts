/** Several proxies kept equal: real processes, one of which dies and one of which cannot be reached for a while. */
import assert from 'node:assert/strict'
import net from 'node:net'
import { describe, it } from 'node:test'
import { until } from '../../test/support/until.ts'
import { silentLogger } from '../core/runtime.ts'
import { openDatabase } from '../db/open-database.ts'
import { proxyApi } from '../proxy/api-client.ts'
import { type SpawnedProxy, spawnProxy, TOKEN } from '../proxy/testing/spawn-proxy.ts'
import { createRouteKeeper } from './route-keeper.ts'

const HUB = 'http://127.0.0.1:8081'
const TARGET = 'http://127.0.0.1:4001'

describe('several proxies', () => {
  it('have the same routes again after one was killed and came back empty', async () => {
    await using first = await spawnProxy('orrery')
    let second = await spawnProxy('orrery')
    await using hub = await keeperOf([first.apiUrl, second.apiUrl])
    await hub.keeper.start()
    await hub.addServer('ada')
    await hub.keeper.set('/user/ada/', TARGET, { user: 'ada', server_name: '' })
    await second.stop('SIGKILL')

    await hub.addServer('eve')
    await hub.keeper.set('/user/eve/', TARGET, { user: 'eve', server_name: '' })
    assert.deepEqual(await specs(first), ['/', '/user/ada/', '/user/eve/'])
    second = await spawnProxy('orrery', [], { port: second.port, apiPort: Number(new URL(second.apiUrl).port) })

    await until('the same routes', async () => (await specs(second)).join() === (await specs(first)).join())
    assert.deepEqual(
      hub.keeper.health().map(({ up }) => up),
      [true, true],
    )
    await second.stop()
  })

  it('hold nothing up while one of them is there and does not answer, and it gets all of it afterwards', async () => {
    await using first = await spawnProxy('orrery')
    await using second = await spawnProxy('orrery')
    await using way = await wayTo(second)
    await using hub = await keeperOf([first.apiUrl, way.url])
    await hub.keeper.start()
    way.block()

    const began = Date.now()
    await hub.addServer('ada')
    await hub.keeper.set('/user/ada/', TARGET, { user: 'ada', server_name: '' })
    await until('it is known to be down', () => hub.keeper.health()[1]?.up === false)
    assert.ok(Date.now() - began < 15_000, `${Date.now() - began} ms`)
    assert.ok((await specs(first)).includes('/user/ada/'))
    const secondBegan = performance.now()
    await hub.keeper.remove('/user/nobody/')
    await hub.keeper.set('/user/ada/', TARGET, { user: 'ada', server_name: '' })
    assert.ok(performance.now() - secondBegan < 900, 'one that is down is not waited for at all')
    assert.equal((await specs(second)).includes('/user/ada/'), false)

    way.open()
    await until('its routes', async () => (await specs(second)).includes('/user/ada/'))
    assert.deepEqual(await specs(second), await specs(first))
  })

  it('count as used what any of them has seen', async () => {
    await using first = await spawnProxy('orrery')
    await using second = await spawnProxy('orrery')
    await using hub = await keeperOf([first.apiUrl, second.apiUrl])
    const { database, keeper } = hub
    await hub.addServer('ada')
    await keeper.start()
    const seen = async () => (await database.db.selectFrom('spawners').select('last_activity').executeTakeFirst())!
    await keeper.pullActivity()
    const before = (await seen()).last_activity!
    const upstream = net.createServer(socket => {
      socket.end('HTTP/1.1 200 OK\r\nContent-Length: 2\r\nConnection: close\r\n\r\nok')
    })
    await new Promise<void>(resolve => upstream.listen(0, '127.0.0.1', resolve))
    const { port } = upstream.address() as net.AddressInfo // a TCP server that listens
    await database.db.updateTable('servers').set({ port }).execute()
    await keeper.reconcile()

    for (const proxy of [second, first]) {
      const then = (await seen()).last_activity!
      assert.equal(await (await fetch(`${proxy.url}/user/ada/api`, { headers: { connection: 'close' } })).text(), 'ok')
      await keeper.pullActivity()
      assert.ok((await seen()).last_activity! > then, `${(await seen()).last_activity} after ${before}`)
    }
    upstream.close()
  })
})

const specs = async (proxy: SpawnedProxy) =>
  [...(await proxyApi({ url: proxy.apiUrl, token: TOKEN }).getRoutes()).keys()].sort()

async function keeperOf(urls: readonly string[]) {
  const database = await openDatabase('sqlite://', { log: silentLogger })
  const { db } = database
  const proxies = urls.map(url => ({ url, api: proxyApi({ url, token: TOKEN, timeoutMs: 2_000 }) }))
  const keeper = createRouteKeeper({ database, proxies, hubUrl: HUB, log: silentLogger, watchIntervalMs: 50 })
  return {
    database,
    keeper,
    async addServer(name: string): Promise<void> {
      const owner = { name, admin: false, cookie_id: name }
      const user = await db.insertInto('users').values(owner).returning('id').executeTakeFirstOrThrow()
      const at = { proto: 'http', ip: '127.0.0.1', port: 4001, base_url: '/', cookie_name: 'cookie' }
      const { id } = await db.insertInto('servers').values(at).returning('id').executeTakeFirstOrThrow()
      await db.insertInto('spawners').values({ user_id: user.id, name: '', server_id: id }).execute()
    },
    async [Symbol.asyncDispose]() {
      await keeper.close()
      await database.close()
    },
  }
}

/** The API of a proxy by a way that can be blocked: connections are taken, and nothing comes through. */
async function wayTo(proxy: SpawnedProxy) {
  let isOpen = true
  const sockets = new Set<net.Socket>()
  const server = net.createServer(socket => {
    const onward = net.connect({ host: '127.0.0.1', port: Number(new URL(proxy.apiUrl).port) })
    for (const [from, to] of [
      [socket, onward],
      [onward, socket],
    ] as const) {
      sockets.add(from)
      from.on('data', data => isOpen && to.write(data))
      from.on('error', () => {})
      from.on('close', () => to.destroy())
    }
  })
  await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve))
  return {
    url: `http://127.0.0.1:${(server.address() as net.AddressInfo).port}`, // a TCP server that listens
    block() {
      isOpen = false
    },
    open() {
      isOpen = true
    },
    async [Symbol.asyncDispose]() {
      for (const socket of sockets) socket.destroy()
      server.close()
    },
  }
}
