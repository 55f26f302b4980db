import assert from 'node:assert/strict'
import type { AddressInfo } from 'node:net'
import { describe, it } from 'node:test'
import { silentLogger } from '../../core/runtime.ts'
import { testDatabases } from '../../db/testing.ts'
import { createHubServer } from '../../http/hub-server.ts'
import { type TestSpawningHub, testSite } from '../../spawning/testing.ts'
import { liveServersApi } from './live-api.ts'

for (const kind of testDatabases()) {
  describe(`server events on ${kind.name}`, () => {
    it('tells of starts and stops as they happen, also at another hub', async () => {
      const { url, drop } = await kind.create()
      await using site = await testSite({ databaseUrl: url, drop })
      const [here, there] = [await site.hub(), await site.hub()]
      const root = await site.addUser('root', { admin: true })
      await site.addUser('alice')
      await using api = await serve(here)
      const stream = await api.follow((await here.access.issueToken({ user: { id: root } })).token)

      await stream.until(event => event.type === 'begin')
      await there.spawning.start({ user: 'alice', server: '' }, { requestedBy: 'alice' })
      const ready = await stream.until(event => event.data.server?.ready === true)
      await there.spawning.stop({ user: 'alice', server: '' }, { by: 'root' })
      const stopped = await stream.until(event => event.data.server?.stopped === true)

      assert.partialDeepStrictEqual(ready.data, {
        user: 'alice',
        server: { name: '', full_name: 'alice/', pending: null, url: '/user/alice/' },
        progress: null,
      })
      assert.ok(!('state' in ready.data.server!))
      assert.partialDeepStrictEqual(stopped.data, {
        user: 'alice',
        server: { reason: { code: 'stopped_by_administrator' } },
      })
      await stream.close()
    })
  })
}

describe('server events', () => {
  it('shows each caller the servers that their scopes reach, and refuses others', async () => {
    const { url, drop } = await testDatabases()[0]!.create()
    await using site = await testSite({ databaseUrl: url, drop })
    const hub = await site.hub()
    const alice = await site.addUser('alice')
    await site.addUser('bob')
    await using api = await serve(hub)
    const stream = await api.follow((await hub.access.issueToken({ user: { id: alice } })).token)
    await stream.until(event => event.type === 'begin')

    await hub.spawning.start({ user: 'bob', server: '' }, { requestedBy: 'bob' })
    await hub.spawning.settled({ user: 'bob', server: '' }, 10_000)
    await hub.spawning.start({ user: 'alice', server: '' }, { requestedBy: 'alice' })
    await stream.until(event => event.data.server?.ready === true)

    assert.deepEqual(new Set(stream.seen.flatMap(({ data }) => data.user ?? [])), new Set(['alice']))
    const nameOnly = await hub.access.issueToken({ user: { id: alice }, scopes: ['read:users:name!user'] })
    assert.equal((await fetch(api.url, { headers: { authorization: `token ${nameOnly.token}` } })).status, 403)
    assert.equal((await fetch(api.url)).status, 403)
    await stream.close()
  })

  it('tells what servers use after each look, to who may see them', async () => {
    const { url, drop } = await testDatabases()[0]!.create()
    await using site = await testSite({ databaseUrl: url, drop })
    const hub = await site.hub({ usageEveryMs: 20 })
    const ada = await site.addUser('ada')
    await site.addUser('bob')
    await using api = await serve(hub)
    for (const user of ['ada', 'bob']) {
      site.world.used.set(`${user}/`, { memoryBytes: 1000, cpuSeconds: 1 })
      await hub.spawning.start({ user, server: '' }, { requestedBy: user })
      await hub.spawning.settled({ user, server: '' }, 10_000)
    }
    const stream = await api.follow((await hub.access.issueToken({ user: { id: ada } })).token)
    await stream.until(({ type }) => type === 'begin')

    hub.usage.start()
    const { data } = await stream.until(({ type }) => type === 'usage')

    assert.partialDeepStrictEqual(data, [{ user: 'ada', server: '', memory_bytes: 1000, memory_limit_bytes: null }])
    assert.equal((data as unknown as unknown[]).length, 1)
    await stream.close()
  })

  it('ends after its time, so that rights are looked at again', async () => {
    const { url, drop } = await testDatabases()[0]!.create()
    await using site = await testSite({ databaseUrl: url, drop })
    const hub = await site.hub()
    const root = await site.addUser('root', { admin: true })
    await using api = await serve(hub, { maxStreamMs: 50 })
    const { token } = await hub.access.issueToken({ user: { id: root } })

    const text = await (await fetch(api.url, { headers: { authorization: `token ${token}` } })).text()

    assert.match(text, /^event: begin\ndata: \{\}\n\n/)
  })
})

interface LiveEvent {
  readonly type: string
  readonly data: { user?: string; server?: Record<string, unknown>; progress?: unknown }
}

async function serve(hub: TestSpawningHub, options: { maxStreamMs?: number } = {}) {
  const server = createHubServer({ log: silentLogger, baseUrl: '/' })
  await server.register(hub.access.hooks)
  await server.register(
    liveServersApi({ access: hub.access, spawning: hub.spawning, usage: hub.usage, baseUrl: '/', ...options }),
  )
  await server.listen({ host: '127.0.0.1', port: 0 })
  const { port } = server.server.address() as AddressInfo // a TCP address, as listened on above
  const url = `http://127.0.0.1:${port}/hub/api/orrery/server-events`
  return {
    url,
    follow: async (token: string) => follow(url, token),
    [Symbol.asyncDispose]: async () => server.close(),
  }
}

async function follow(url: string, token: string) {
  const stop = new AbortController()
  const response = await fetch(url, { headers: { authorization: `token ${token}` }, signal: stop.signal })
  assert.equal(response.status, 200)
  const reader = response.body!.pipeThrough(new TextDecoderStream()).getReader()
  const seen: LiveEvent[] = []
  let text = ''
  async function next(): Promise<LiveEvent> {
    for (;;) {
      const end = text.indexOf('\n\n')
      if (end !== -1) {
        const block = text.slice(0, end)
        text = text.slice(end + 2)
        const data = /^data: (.*)$/m.exec(block)?.[1]
        if (data === undefined) continue
        return { type: /^event: (.*)$/m.exec(block)?.[1] ?? 'message', data: JSON.parse(data) as LiveEvent['data'] }
      }
      const { value, done } = await reader.read()
      if (done) throw new Error('the stream ended')
      text += value
    }
  }
  return {
    seen,
    async until(isIt: (event: LiveEvent) => boolean): Promise<LiveEvent> {
      for (;;) {
        const event = await next()
        seen.push(event)
        if (isIt(event)) return event
      }
    },
    async close() {
      stop.abort()
      await reader.cancel().catch(() => {})
    },
  }
}
