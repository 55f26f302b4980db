/** What counts as use of a route, seen through the REST API of a running proxy. */
import assert from 'node:assert/strict'
import { once } from 'node:events'
import { describe, it } from 'node:test'
import { WebSocket, WebSocketServer } from 'ws'
import { until } from '../../test/support/until.ts'
import { proxyApi } from './api-client.ts'
import { startTestProxy, type TestProxy } from './testing/running-proxy.ts'
import { connectRaw, startRawServer, startUpstream } from './testing/sockets.ts'

async function lastActivity(proxy: TestProxy): Promise<number> {
  const routes = await proxyApi({ url: proxy.apiAddress.url, token: '' }).getRoutes()
  return routes.get('/a/')!.lastActivity.getTime()
}

/** The time stamps of the API are milliseconds: what comes next must fall into another one. */
async function nextMillisecond(): Promise<void> {
  const now = Date.now()
  await until('the clock goes on', () => Date.now() > now + 1)
}

describe('activity of a route', () => {
  it('is a message of the client, not a ping or pong of either side nor what the server sends', async () => {
    await using upstream = await startUpstream()
    const server = new WebSocketServer({ server: upstream.server })
    await using proxy = await startTestProxy({ '/a/': upstream.url })
    const client = new WebSocket(`ws://127.0.0.1:${proxy.port}/a/`)
    await once(client, 'open')
    const [kept] = server.clients
    const created = await lastActivity(proxy)
    await nextMillisecond()

    kept!.ping()
    await once(kept!, 'pong') // the browser's answer, which it gives by itself
    client.ping()
    await once(client, 'pong')
    kept!.send('news')
    await once(client, 'message')
    const afterPings = await lastActivity(proxy)
    client.send('work')
    await once(kept!, 'message')
    await until('activity of the message', async () => (await lastActivity(proxy)) > created)
    client.terminate()

    assert.equal(afterPings, created)
  })

  it('is every byte of the client in another protocol', async () => {
    await using upstream = await startRawServer(socket => {
      socket.once('data', () =>
        socket.write('HTTP/1.1 101 Switching\r\nConnection: Upgrade\r\nUpgrade: telnet\r\n\r\n'),
      )
    })
    await using proxy = await startTestProxy({ '/a/': upstream.url })
    await using client = connectRaw(
      proxy.port,
      'GET /a/ HTTP/1.1\r\nHost: h\r\nConnection: Upgrade\r\nUpgrade: telnet\r\n\r\n',
    )
    await client.until('101 ')
    const created = await lastActivity(proxy)
    await nextMillisecond()

    client.send(Buffer.from([0x8a, 0x00])) // would be a pong in a WebSocket

    await until('activity of a byte', async () => (await lastActivity(proxy)) > created)
  })

  it('is not a request that asks not to be tracked', async () => {
    await using upstream = await startUpstream()
    await using proxy = await startTestProxy({ '/a/': upstream.url })
    const created = await lastActivity(proxy)
    await nextMillisecond()

    await (await fetch(`${proxy.url}/a/api/status?no_track_activity=1`)).text()
    await (await fetch(`${proxy.url}/a/x?no_track_activity`, { method: 'POST', body: 'x' })).text()
    const afterwards = await lastActivity(proxy)
    await (await fetch(`${proxy.url}/a/api/contents`)).text()

    await until('activity of the request', async () => (await lastActivity(proxy)) > created)
    assert.equal(afterwards, created)
  })
})
