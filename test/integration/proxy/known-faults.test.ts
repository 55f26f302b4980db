/**
 * What hubs in production have suffered from configurable-http-proxy, each as a test against the running program. Numbers
 * are issues of jupyterhub/configurable-http-proxy.
 */
import assert from 'node:assert/strict'
import { readdirSync } from 'node:fs'
import { after, before, describe, it } from 'node:test'
import { WebSocket, WebSocketServer } from 'ws'
import { connectRaw, startUpstream, type Upstream } from '../../../src/proxy/testing/sockets.ts'
import { type SpawnedProxy, spawnProxy } from '../../../src/proxy/testing/spawn-proxy.ts'
import { until } from '../../support/until.ts'

const upgrade = (path: string, ...fields: string[]) =>
  [
    `GET ${path} HTTP/1.1`,
    'Host: h',
    ...(fields.length ? fields : ['Connection: Upgrade', 'Upgrade: websocket']),
    '\r\n',
  ].join('\r\n')

describe('faults that hubs have met', () => {
  let proxy: SpawnedProxy
  let upstream: Upstream
  const openFiles = () => readdirSync(`/proc/${proxy.child.pid}/fd`).length

  before(async () => {
    upstream = await startUpstream((req, res) => {
      if (req.url!.endsWith('/silent')) return
      if (req.url!.endsWith('/begun')) return void res.write('begun')
      res.end('plain')
    })
    new WebSocketServer({ server: upstream.server, path: '/ws/echo' }).on('connection', socket =>
      socket.on('message', data => socket.send(data)),
    )
    proxy = await spawnProxy('orrery', ['--log-level', 'error'])
    for (const [path, target] of [
      ['/', upstream.url],
      ['/dead', 'http://127.0.0.1:1'],
    ]) {
      assert.equal((await proxy.api('POST', path!, { target })).status, 201)
    }
  })
  after(async () => {
    await proxy?.[Symbol.asyncDispose]()
    await upstream?.[Symbol.asyncDispose]()
  })

  /** Does it a hundred times, ten at once, and waits until the process has no more files open than before. */
  async function leavesNothingOpen(one: () => Promise<void>): Promise<void> {
    await one() // what is opened once and kept is not counted
    await until('kept connections to be given up', () => upstream.sockets.size === 0)
    const before = openFiles()
    for (let i = 0; i < 10; i++) await Promise.all(Array.from({ length: 10 }, one))
    await until('sockets of the proxy to be closed', () => upstream.sockets.size === 0 && openFiles() <= before)
  }

  it('#557: leaks no socket when a WebSocket is answered with a plain page', () =>
    leavesNothingOpen(async () => {
      await using connection = connectRaw(proxy.port, upgrade('/ws/none'))
      assert.match(await connection.untilClosed(), /^HTTP\/1\.1 (?!101)/)
    }))

  it('#598: leaks no socket when the server of a WebSocket is gone', () =>
    leavesNothingOpen(async () => {
      await using connection = connectRaw(proxy.port, upgrade('/dead/ws'))
      assert.match(await connection.untilClosed(), /^HTTP\/1\.1 503 /)
    }))

  it('#600: leaks no socket when clients vanish from a WebSocket or before it', () =>
    leavesNothingOpen(async () => {
      const client = new WebSocket(`ws://127.0.0.1:${proxy.port}/ws/echo`)
      await new Promise(resolve => client.once('open', resolve))
      client.terminate()
      await using early = connectRaw(proxy.port, upgrade('/ws/echo', 'Connection: Upgrade'))
      early.socket.resetAndDestroy()
    }))

  it('#434: leaks no socket of clients that leave in the middle', () =>
    leavesNothingOpen(async () => {
      for (const path of ['/begun', '/silent']) {
        await using connection = connectRaw(proxy.port, `GET ${path} HTTP/1.1\r\nHost: h\r\n\r\n`)
        if (path === '/begun') await connection.until('begun')
        connection.socket.destroy()
      }
    }))

  it('#388: uses few ports for many requests', async () => {
    const ports = new Set<number | undefined>()
    const note = (socket: { remotePort?: number | undefined }) => ports.add(socket.remotePort)
    upstream.server.on('connection', note)

    for (let i = 0; i < 50; i++)
      await Promise.all(Array.from({ length: 10 }, async () => (await fetch(proxy.url)).text()))

    upstream.server.off('connection', note)
    assert.ok(ports.size <= 20, `${ports.size} connections for 500 requests, ten at once`)
  })

  it('#388: lets a server think for longer than any time-out of idle connections (PDF export)', async () => {
    await using slow = await spawnProxy('orrery', ['--keep-alive-timeout', '50', '--log-level', 'error'])
    const answers: (() => void)[] = []
    await using thinking = await startUpstream((_req, res) => void answers.push(() => res.end('pdf')))
    await slow.api('POST', '/', { target: thinking.url })
    const response = fetch(slow.url)
    const begun = await until('the request', () => answers.length === 1 && Date.now())

    await until('several time-outs to pass', () => Date.now() - begun > 1500)
    answers[0]!()

    assert.equal(await (await response).text(), 'pdf')
  })

  it('jupyterhub#2233: opens a WebSocket however a proxy in front writes the handshake', async () => {
    const key = ['Sec-WebSocket-Version: 13', 'Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==']
    for (const fields of [
      ['Connection: upgrade', 'Upgrade: websocket'],
      ['Connection: keep-alive, Upgrade', 'Upgrade: WebSocket'],
      ['Upgrade: websocket', 'connection: UPGRADE', 'Keep-Alive: 5'],
      ['Connection: Upgrade', 'Upgrade: websocket', 'X-Forwarded-Proto: https', 'X-Forwarded-For: 10.0.0.1'],
    ]) {
      await using connection = connectRaw(proxy.port, upgrade('/ws/echo', ...fields, ...key))

      assert.match(await connection.until('\r\n\r\n'), /^HTTP\/1\.1 101 /, fields.join())
    }
  })
})
