import assert from 'node:assert/strict'
import { readdirSync, readFileSync } from 'node:fs'
import http from 'node:http'
import { after, before, describe, it } from 'node:test'
import { WebSocket, WebSocketServer } from 'ws'
import { readProcess } from '../../../test/support/processes.ts'
import { until } from '../../../test/support/until.ts'
import { TEST_CERT, TEST_KEY } from '../testing/certificate.ts'
import { getText } from '../testing/get-text.ts'
import { startTestProxy } from '../testing/running-proxy.ts'
import { startUpstream, type Upstream } from '../testing/sockets.ts'
import { apiOf, spawnProxy } from '../testing/spawn-proxy.ts'

const WORKERS = ['--workers', '2']
const children = (pid: number) =>
  readFileSync(`/proc/${pid}/task/${pid}/children`, 'utf8').trim().split(' ').filter(Boolean).map(Number)

describe('workers of a proxy', () => {
  let upstream: Upstream
  before(async () => {
    upstream = await startUpstream((req, res) => void res.end(`answer to ${req.url}`))
    new WebSocketServer({ server: upstream.server }).on('connection', socket => {
      socket.on('message', data => socket.send(data))
    })
  })
  after(() => upstream[Symbol.asyncDispose]())

  it('all know a route when the API has answered, and none after it was deleted', async () => {
    await using proxy = await spawnProxy('orrery', WORKERS)
    const api = apiOf(proxy)
    assert.equal(children(proxy.child.pid!).length, 2)
    for (let round = 0; round < 20; round++) {
      await api.addRoute(`/user/u${round}/`, upstream.url, {})
      // New connections, any of which may go to any worker.
      const present = await Promise.all(Array.from({ length: 8 }, () => getText(`${proxy.url}/user/u${round}/x`)))
      assert.deepEqual(new Set(present), new Set([`answer to /user/u${round}/x`]))
      await api.deleteRoute(`/user/u${round}/`)
      const absent = await Promise.all(Array.from({ length: 8 }, () => fetchStatus(`${proxy.url}/user/u${round}/x`)))
      assert.deepEqual(new Set(absent), new Set([404]))
    }
  })

  it('share the connections', async () => {
    await using proxy = await spawnProxy('orrery', WORKERS)
    await apiOf(proxy).addRoute('/user/ada/', upstream.url, {})
    const open = () => children(proxy.child.pid!).map(pid => readdirSync(`/proc/${pid}/fd`).length)
    const before = open()
    const sockets: WebSocket[] = []
    const isShared = () => open().every((count, worker) => count >= before[worker]! + 10)
    while (sockets.length < 1000 && !isShared()) {
      const more = Array.from({ length: 20 }, async () => {
        const socket = new WebSocket(`${proxy.url.replace('http', 'ws')}/user/ada/ws`)
        sockets.push(socket)
        await new Promise((resolve, reject) => socket.once('open', resolve).once('error', reject))
      })
      await Promise.all(more)
    }
    for (const socket of sockets) socket.terminate()
    assert.ok(sockets.length < 1000, `one worker has taken almost all: ${open()}`)
  })

  it('are replaced when they die, and nobody waits in vain', async () => {
    await using proxy = await spawnProxy('orrery', WORKERS)
    await apiOf(proxy).addRoute('/user/ada/', upstream.url, {})
    const [first] = children(proxy.child.pid!)
    process.kill(first!, 'SIGKILL')
    // Those that the dead one had accepted are lost; there were none.
    const answers = await Promise.all(Array.from({ length: 40 }, () => getText(`${proxy.url}/user/ada/x`)))
    assert.deepEqual(new Set(answers), new Set(['answer to /user/ada/x']))
    await until('another worker', () => {
      const now = children(proxy.child.pid!)
      return now.length === 2 && !now.includes(first!)
    })
    await apiOf(proxy).addRoute('/user/bob/', upstream.url, {})
    const more = await Promise.all(Array.from({ length: 40 }, () => getText(`${proxy.url}/user/bob/x`)))
    assert.deepEqual(new Set(more), new Set(['answer to /user/bob/x']))
  })

  it('tell their activity and what they counted when somebody asks', async () => {
    await using proxy = await spawnProxy('orrery', [...WORKERS, '--metrics-ip', '127.0.0.1', '--metrics-port', '0'])
    const api = apiOf(proxy)
    await api.addRoute('/user/ada/', upstream.url, {})
    const before = (await api.getRoutes()).get('/user/ada/')!.lastActivity.getTime()
    await until('a later moment', () => Date.now() > before + 5)
    await Promise.all(Array.from({ length: 20 }, () => getText(`${proxy.url}/user/ada/x`)))
    assert.ok((await api.getRoutes()).get('/user/ada/')!.lastActivity.getTime() > before)
    const ready = await until('the line in the log', () =>
      proxy
        .log()
        .split('\n')
        .find(line => line.includes('proxy ready')),
    )
    const { metrics } = JSON.parse(ready)
    const text = await (await fetch(metrics)).text()
    assert.match(text, /^requests_proxy\{status="200"\} 20$/m)
    assert.match(text, /^api_route_add 1$/m)
  })

  it('end with the proxy, however it ends', async () => {
    for (const signal of ['SIGTERM', 'SIGKILL'] as const) {
      await using proxy = await spawnProxy('orrery', WORKERS)
      const pids = children(proxy.child.pid!)
      await proxy.stop(signal)
      await until(`their end after ${signal}`, () => !pids.some(readProcess))
    }
  })

  it('speak HTTPS with the key that the proxy was given', async () => {
    const secure = { key: TEST_KEY, cert: TEST_CERT }
    await using proxy = await startTestProxy({ '/': upstream.url }, { workers: 2, tls: secure })
    const { default: https } = await import('node:https')
    const status = await new Promise((resolve, reject) => {
      https.get(proxy.url, { ca: TEST_CERT, agent: false }, res => resolve(res.resume().statusCode)).on('error', reject)
    })
    assert.equal(status, 200)
  })

  it('refuse to begin on a port that is taken', async () => {
    await assert.rejects(startTestProxy({}, { workers: 2, listen: { host: '127.0.0.1', port: upstream.port } }), {
      code: 'port_taken',
    })
  })
})

/** On a connection of its own. */
function fetchStatus(url: string): Promise<number | undefined> {
  return new Promise((resolve, reject) => {
    http.get(url, { agent: false }, res => resolve(res.resume().statusCode)).on('error', reject)
  })
}
