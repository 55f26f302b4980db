/** Logs of real servers of the local spawner, as the API shows them. */
import assert from 'node:assert/strict'
import type { AddressInfo } from 'node:net'
import { after, before, describe, it } from 'node:test'
import { type Json, silentLogger } from '../../core/runtime.ts'
import type { ServerKey } from '../../core/server-key.ts'
import { testDatabases } from '../../db/testing.ts'
import { createHubServer } from '../../http/hub-server.ts'
import { type TestLauncher, testLauncher } from '../../launcher/testing.ts'
import type { LogPlace, Spawner } from '../../plugin/spawner.ts'
import { local } from '../../spawners/local/local.ts'
import { findServer } from '../../spawning/server-row.ts'
import { type TestSite, type TestSpawningHub, testSite } from '../../spawning/testing.ts'
import { serverLogApi } from './log-api.ts'

const ada: ServerKey = { user: 'ada', server: '' }
const SECRET = 'f00dfeed'.repeat(4)

describe('the log of a server', () => {
  let launcher: TestLauncher
  let site: TestSite
  let hub: TestSpawningHub
  let api: Awaited<ReturnType<typeof serve>>
  let token: (name: string, scopes?: string[]) => Promise<string>
  const asked: LogPlace[] = []
  before(async () => {
    launcher = await testLauncher()
    const { url, drop } = await testDatabases()[0]!.create()
    site = await testSite({ databaseUrl: url, drop })
    const spawner = local({ launcher: launcher.client, as: 'own-account' }) as unknown as Spawner<Json, Json> // state is JSON
    const counted: Spawner = {
      ...spawner,
      readLog(key, state, place, signal) {
        asked.push(place)
        return spawner.readLog!(key, state, place, signal)
      },
    }
    const settings = { command: [...launcher.command, `--print=JUPYTERHUB_API_TOKEN=${SECRET}`] }
    hub = await site.hub({ spawner: counted, settings })
    const ids = new Map<string, number>()
    for (const name of ['ada', 'bob']) ids.set(name, await site.addUser(name))
    ids.set('root', await site.addUser('root', { admin: true }))
    token = async (name, scopes) =>
      (await hub.access.issueToken({ user: { id: ids.get(name)! }, ...(scopes && { scopes }) })).token
    api = await serve(hub)
    await hub.spawning.start(ada, { requestedBy: 'ada' })
    assert.equal((await hub.spawning.settled(ada, 60_000)).phase, 'ready')
  })
  after(async () => {
    await api?.[Symbol.asyncDispose]()
    await hub?.spawning.stopAll({ by: 'root' })
    await site?.[Symbol.asyncDispose]()
    await launcher?.close()
  })

  const get = async (path: string, who: string | undefined) =>
    fetch(`${api.url}${path}`, { headers: who === undefined ? {} : { authorization: `token ${who}` } })

  /** Makes the server print a line. */
  async function visit(path: string): Promise<void> {
    const { address } = (await findServer(site.database, ada))!
    await (await fetch(`http://${address!.host}:${address!.port}/user/ada/${path}`)).text()
  }

  it('is a file for its owner and for administrators, without secrets', async () => {
    for (const who of ['ada', 'root']) {
      const answer = await get('/users/ada/server/log', await token(who))
      const text = await answer.text()

      assert.equal(answer.status, 200, text)
      assert.equal(answer.headers.get('content-type'), 'text/plain; charset=utf-8')
      assert.equal(answer.headers.get('content-disposition'), 'attachment; filename="ada.log"')
      assert.equal(answer.headers.get('cache-control'), 'no-store')
      assert.match(text, /^JUPYTERHUB_API_TOKEN=\[hidden\]\n[\s\S]*listening on/)
      assert.ok(!text.includes(SECRET))
    }
  })

  it('shows as many of the last lines as were asked for', async () => {
    const who = await token('ada')
    const last = await (await get('/users/ada/servers//log?lines=1', who)).text()
    const refused = await get('/users/ada/server/log?lines=0', who)

    assert.equal(last.split('\n').length, 2)
    assert.equal(refused.status, 400)
  })

  it('is for nobody else', async () => {
    const all = await Promise.all([
      get('/users/ada/server/log', undefined),
      get('/users/ada/server/log', await token('bob')),
      get('/users/ada/server/log', await token('ada', ['read:users!user', 'read:servers!user', 'access:servers!user'])),
      get('/users/ada/server/log', await token('root', ['read:users', 'list:users', 'read:servers'])),
      get('/users/ada/server/log/events', undefined),
      get('/users/ada/server/log/events', await token('bob')),
      get('/users/ada/server/log/events', await token('root', ['read:users', 'read:servers'])),
      get('/users/ada/servers/none/log', await token('root')),
    ])
    assert.deepEqual(
      all.map(({ status }) => status),
      [403, 404, 403, 403, 403, 404, 403, 404],
    )
  })

  it('is followed line by line, and gone on with where somebody was', async () => {
    const who = await token('root')
    await using stream = await follow(`${api.url}/users/ada/server/log/events?lines=5`, who)
    const first = await stream.until(({ text }) => /listening on/.test(text))

    await visit(`api?token=${SECRET}`)
    const news = await stream.until(({ text }) => /api\?token/.test(text))
    await visit('api?later')
    await using again = await follow(`${api.url}/users/ada/server/log/events`, who, first.id)
    const [after] = [await again.until(({ text }) => /api\?later/.test(text))]

    assert.match(news.text, /GET \/user\/ada\/api\?token=\[hidden\] HTTP/)
    assert.ok(!after.all.includes('listening on'), 'nothing is told twice')
    assert.match(after.all, /api\?token=\[hidden\][\s\S]*api\?later/)
  })

  it('is asked of the spawner once for all who watch', async () => {
    const who = await token('ada')
    const streams = await Promise.all(
      Array.from({ length: 20 }, () => follow(`${api.url}/users/ada/server/log/events`, who)),
    )
    for (const stream of streams) await stream.until(() => true)
    await visit('api?one')
    for (const stream of streams) await stream.until(({ text }) => /api\?one/.test(text))

    asked.length = 0
    await visit('api?two')
    for (const stream of streams) await stream.until(({ text }) => /api\?two/.test(text))
    const times = asked.length
    await Promise.all(streams.map(stream => stream[Symbol.asyncDispose]()))

    assert.ok(times <= 4, `${times} calls of the spawner for 20 people`)
  })

  it('ends with the server, and its last words can still be read', async () => {
    const who = await token('ada')
    await using stream = await follow(`${api.url}/users/ada/server/log/events`, who)
    await stream.until(() => true)

    await hub.spawning.stop(ada, { by: 'ada' })
    const last = await stream.until(({ event }) => event === 'end')
    await using late = await follow(`${api.url}/users/ada/server/log/events`, who)
    const read = await late.until(({ event }) => event === 'end')

    assert.match(last.all, /interrupted/)
    assert.match(read.all, /interrupted/)
  })
})

describe('logs where the spawner keeps none, or only their end', () => {
  async function siteWith(change: (spawner: Spawner) => Partial<Spawner>) {
    const { url, drop } = await testDatabases()[0]!.create()
    const site = await testSite({ databaseUrl: url, drop })
    const { fakeSpawner } = await import('../../plugin/fake-spawner.ts')
    const spawner = fakeSpawner(site.world)
    const hub = await site.hub({ spawner: { ...spawner, ...change(spawner) } as Spawner })
    const id = await site.addUser('ada')
    const who = (await hub.access.issueToken({ user: { id } })).token
    await hub.spawning.start(ada, { requestedBy: 'ada' })
    await hub.spawning.settled(ada, 20_000)
    const api = await serve(hub)
    return {
      hub,
      api,
      who,
      site,
      async [Symbol.asyncDispose]() {
        await api[Symbol.asyncDispose]()
        await site[Symbol.asyncDispose]()
      },
    }
  }

  it('says so', async () => {
    await using without = await siteWith(() => ({ logs: undefined as never }))
    const headers = { authorization: `token ${without.who}` }
    for (const path of ['log', 'log/events']) {
      const answer = await fetch(`${without.api.url}/users/ada/server/${path}`, { headers })
      assert.equal(answer.status, 404)
      assert.equal(((await answer.json()) as { code: string }).code, 'no_server_log')
    }
  })

  it('follows the end of it', async () => {
    await using some = await siteWith(() => ({}))
    await using stream = await follow(`${some.api.url}/users/ada/server/log/events`, some.who)
    await stream.until(({ event, text }) => event === 'replace' && /listening on/.test(text))
    for (const server of some.site.world.servers.values()) server.log += `\ntoken=${SECRET}`

    const more = await stream.until(({ text }) => /hidden/.test(text))

    assert.equal(more.text.trim(), 'token=[hidden]')
  })
})

async function serve(hub: TestSpawningHub) {
  const server = createHubServer({ log: silentLogger, baseUrl: '/' })
  await server.register(hub.access.hooks)
  await server.register(serverLogApi({ access: hub.access, database: hub.database, spawning: hub.spawning }))
  await server.listen({ host: '127.0.0.1', port: 0 })
  const { port } = server.server.address() as AddressInfo // a TCP address, as listened on above
  return { url: `http://127.0.0.1:${port}/hub/api`, [Symbol.asyncDispose]: async () => server.close() }
}

interface LogEvent {
  readonly event: string
  readonly id: string | undefined
  readonly text: string
  /** Of all events so far. */
  readonly all: string
}

async function follow(url: string, token: string, lastEventId?: string) {
  const stop = new AbortController()
  const headers = { authorization: `token ${token}`, ...(lastEventId && { 'last-event-id': lastEventId }) }
  const response = await fetch(url, { headers, signal: stop.signal })
  assert.equal(response.status, 200)
  const reader = response.body!.pipeThrough(new TextDecoderStream()).getReader()
  let raw = ''
  let all = ''
  async function next(): Promise<LogEvent> {
    for (;;) {
      const end = raw.indexOf('\n\n')
      if (end === -1) {
        const { value, done } = await reader.read()
        if (done) throw new Error(`the stream ended after: ${all}`)
        raw += value
        continue
      }
      const block = raw.slice(0, end)
      raw = raw.slice(end + 2)
      const data = /^data: (.*)$/m.exec(block)?.[1]
      if (data === undefined) continue
      const { text } = JSON.parse(data) as { text: string }
      all += text
      return { event: /^event: (.*)$/m.exec(block)?.[1] ?? 'message', id: /^id: (.*)$/m.exec(block)?.[1], text, all }
    }
  }
  return {
    async until(isIt: (event: LogEvent) => boolean): Promise<LogEvent> {
      for (;;) {
        const event = await next()
        if (isIt(event)) return event
      }
    },
    async [Symbol.asyncDispose]() {
      stop.abort()
      await reader.cancel().catch(() => {})
    },
  }
}
