/**
 * A long day in short: WebSockets that come and go, clients that give up, upstreams that are dead, refuse, hang or restart,
 * slow readers, routes that change. Afterwards the process has what it had before: sockets, memory, timers.
 *
 * `ORRERY_TEST_SOAK_SECONDS` sets how long, 20 by default.
 */
import assert from 'node:assert/strict'
import { readdirSync } from 'node:fs'
import http from 'node:http'
import { after, before, describe, it } from 'node:test'
import { WebSocket, WebSocketServer } from 'ws'
import { type InspectedProcess, inspectProcess } from '../../../src/proxy/testing/inspect-process.ts'
import {
  connectRaw,
  freePort,
  startRawServer,
  startUpstream,
  type Upstream,
} from '../../../src/proxy/testing/sockets.ts'
import { type SpawnedProxy, spawnProxy } from '../../../src/proxy/testing/spawn-proxy.ts'
import { until } from '../../support/until.ts'

const SOAK_MS = Number(process.env.ORRERY_TEST_SOAK_SECONDS ?? 20) * 1000
const MEGABYTE = 1024 * 1024
const LARGE = Buffer.alloc(4 * MEGABYTE, 'x')

const get = (path: string) => `GET ${path} HTTP/1.1\r\nHost: h\r\n\r\n`
const upgrade = (path: string) => `GET ${path} HTTP/1.1\r\nHost: h\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n`
const upload = (path: string) => `PUT ${path} HTTP/1.1\r\nHost: h\r\nContent-Length: 100000\r\n\r\n${'x'.repeat(5000)}`

type Visit = (world: World) => Promise<void>

interface World {
  readonly proxy: SpawnedProxy
  readonly upstream: Upstream
  readonly restarting: { readonly port: number }
}

/** Sends, waits for a part of the answer (none: only until it is sent), and leaves. */
const raw =
  (text: string, expected: string | RegExp, how: 'end' | 'reset'): Visit =>
  async ({ proxy }) => {
    await using connection = connectRaw(proxy.port, text)
    await connection.until(expected)
    if (how === 'reset') connection.socket.resetAndDestroy()
  }

const VISITS: readonly Visit[] = [
  raw(get('/ok'), 'ok', 'end'),
  raw(get('/ok') + get('/ok') + get('/ok'), /(ok[\s\S]*){3}/, 'reset'),
  raw(get('/begun'), 'begun', 'reset'),
  raw(get('/silent'), '', 'reset'),
  raw(get('/silent'), '', 'end'),
  raw(get('/dead'), ' 503 ', 'end'),
  raw(get('/breaking'), ' 503 ', 'reset'),
  raw(get('/none/at/all'), '', 'reset'),
  raw(upload('/silent'), '', 'reset'),
  raw(upload('/early'), ' 413 ', 'end'),
  raw(upload('/dead'), ' 503 ', 'end'),
  raw(upgrade('/ws/none'), / (400|200) /, 'end'),
  raw(upgrade('/refuse'), ' 403 ', 'reset'),
  raw(upgrade('/page'), ' 200 ', 'end'),
  raw(upgrade('/silent'), '', 'reset'),
  raw(upgrade('/dead'), ' 503 ', 'reset'),
  raw(upgrade('/breaking'), ' 503 ', 'end'),
  raw('GET / HTTP/1.1\r\nbroken', '', 'end'),
  raw('GET / HTTP/1.1\r\nX : y\r\n\r\n', ' 400 ', 'end'),
  raw(get('/restarting'), / (200|503) /, 'end'),
  webSocketTalk('close'),
  webSocketTalk('terminate'),
  readSlowlyAndLeave,
  changeRoutes,
]

function webSocketTalk(how: 'close' | 'terminate'): Visit {
  return ({ proxy }) =>
    new Promise((resolve, reject) => {
      const client = new WebSocket(`ws://127.0.0.1:${proxy.port}/ws/echo`)
      let left = 5
      client.on('error', reject)
      client.on('open', () => client.send('x'.repeat(1000)))
      client.on('message', () => (--left > 0 ? client.send('x'.repeat(30_000)) : client[how]()))
      client.on('close', () => resolve())
    })
}

async function readSlowlyAndLeave({ proxy }: World): Promise<void> {
  await using connection = connectRaw(proxy.port, get('/large'))
  const reader = connection.socket
  let reads = 0
  reader.on('data', () => {
    reader.pause()
    if (++reads < 5) setTimeout(() => reader.resume(), 5)
  })
  await until('some of it to be read', () => reads >= 5 || connection.closed)
}

async function changeRoutes({ proxy, upstream }: World): Promise<void> {
  const path = `/user/${Math.random()}`
  assert.equal((await proxy.api('POST', path, { target: upstream.url })).status, 201)
  assert.equal((await fetch(proxy.url + path)).status, 200)
  assert.equal((await proxy.api('DELETE', path)).status, 204)
}

describe('the proxy after much use', () => {
  let world: World
  let inspected: InspectedProcess
  const opened: AsyncDisposable[] = []

  before(async () => {
    const upstream = await startUpstream((req, res) => {
      if (req.url === '/begun') res.write('begun')
      else if (req.url === '/early') res.writeHead(413).end()
      else if (req.url === '/large') res.end(LARGE)
      else if (req.url !== '/silent') res.end('ok')
    })
    const echo = new WebSocketServer({ noServer: true }).on('connection', socket => {
      socket.on('message', data => socket.send(data))
      socket.on('error', () => {})
    })
    upstream.server.on('upgrade', (req, socket, head) => {
      socket.on('error', () => {})
      if (req.url === '/ws/echo')
        return echo.handleUpgrade(req, socket as never, head, ws => echo.emit('connection', ws, req)) // of net.Server, so a Socket
      if (req.url === '/refuse') return void socket.end('HTTP/1.1 403 No\r\nContent-Length: 2\r\n\r\nno')
      if (req.url === '/page' || req.url === '/ws/none')
        return void socket.end('HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\npage')
      socket.resume().on('end', () => socket.end()) // silent
    })
    const breaking = await startRawServer(socket => void socket.once('data', () => socket.resetAndDestroy()))
    const proxy = await spawnProxy('orrery', ['--log-level', 'error'], {
      env: { NODE_OPTIONS: '--inspect=127.0.0.1:0' },
    })
    opened.push(proxy, upstream, breaking)
    inspected = await inspectProcess(proxy.log)
    world = { proxy, upstream, restarting: { port: await freePort() } }
    for (const [path, target] of [
      ['/', upstream.url],
      ['/breaking', breaking.url],
      ['/dead', 'http://127.0.0.1:1'],
      ['/restarting', `http://127.0.0.1:${world.restarting.port}`],
    ] as const) {
      assert.equal((await proxy.api('POST', path, { target })).status, 201)
    }
  })
  after(async () => {
    inspected?.[Symbol.dispose]()
    for (const part of opened) await part[Symbol.asyncDispose]()
  })

  it('has what it had before', { timeout: SOAK_MS + 240_000 }, async t => {
    await soakFor(Math.min(SOAK_MS / 4, 15_000)) // compiles, and opens what is kept
    const before = await measureAtRest()

    const visits = await soakFor(SOAK_MS)
    const later = await measureAtRest()

    t.diagnostic(`${visits} visits; before ${JSON.stringify(before)}, after ${JSON.stringify(later)}`)
    assert.ok(visits >= VISITS.length * 5, `only ${visits} visits`)
    assert.deepEqual([later.files, later.resources], [before.files, before.resources])
    const grown = (later.heap - before.heap) / MEGABYTE
    assert.ok(grown < 2, `the heap grew by ${grown.toFixed(1)} MB in ${visits} visits`)
    assert.doesNotMatch(world.proxy.log(), /unexpected (error|rejection)/)
  })

  async function soakFor(ms: number): Promise<number> {
    const end = Date.now() + ms
    const ending = new AbortController()
    const restarts = restartAgainAndAgain(world.restarting.port, ending.signal)
    let visits = 0
    const visitor = async (first: number) => {
      for (let i = first; Date.now() < end; i++) {
        await VISITS[i % VISITS.length]!(world)
        visits++
      }
    }
    await Promise.all(Array.from({ length: 24 }, (_, i) => visitor(i)))
    ending.abort()
    await restarts
    return visits
  }

  /** When nothing goes on any more. */
  async function measureAtRest() {
    const { proxy, upstream } = world
    const files = () => readdirSync(`/proc/${proxy.child.pid}/fd`).length
    await until('the upstream sockets to close', () => upstream.sockets.size === 0, 60_000)
    let [last, since] = [-1, 0]
    await until(
      'the sockets of the proxy to close',
      () => {
        if (files() !== last) [last, since] = [files(), Date.now()]
        return Date.now() - since > 6000 // longer than connections are kept
      },
      60_000,
    )
    return { files: files(), resources: await inspected.activeResources(), heap: await inspected.heapUsed() }
  }
})

/** A server that is there for a while, gone for a while. */
async function restartAgainAndAgain(port: number, signal: AbortSignal): Promise<void> {
  const pause = () => new Promise(resolve => setTimeout(resolve, 100))
  while (!signal.aborted) {
    const server = http.createServer((_req, res) => res.end('ok')).listen(port, '127.0.0.1')
    await pause()
    server.closeAllConnections()
    await new Promise(resolve => server.close(resolve))
    await pause()
  }
}
