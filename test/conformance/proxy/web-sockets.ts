/** Upgrades through both programs, and what counts as use of a route. */
import { once } from 'node:events'
import { WebSocketServer } from 'ws'
import { startUpstream } from '../../../src/proxy/testing/sockets.ts'
import { until } from '../../support/until.ts'
import type { RunningProgram } from './program.ts'
import { differs, type Row, row } from './rows.ts'

const upgrade = (path: string, protocol = 'websocket') =>
  `GET ${path} HTTP/1.1\r\nHost: h\r\nConnection: Upgrade\r\nUpgrade: ${protocol}\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n`
const status = (text: string) => Number(/^HTTP\/1\.1 (\d+)/.exec(text)?.[1])

/** Whether the route was used meanwhile: the time stamps are milliseconds, so the clock must go on first. */
async function isUsedBy(proxy: RunningProgram, path: string, act: () => Promise<unknown>): Promise<boolean> {
  const before = await proxy.lastActivity(path)
  await until('the clock goes on', () => Date.now() > before + 2)
  await act()
  return (await proxy.lastActivity(path)) > before
}

export const webSockets: readonly Row[] = [
  row(
    'messages of all sizes, subprotocol, path and fields',
    async (proxy, { echo }) => {
      await proxy.addRoute('/ws', echo.url)
      const socket = await proxy.webSocket('/ws/a?b=c', ['v1.kernel'], { headers: { 'x-mine': '1' } })
      const { received } = socket
      await until('the greeting', () => received.length === 1)
      const { url, headers } = JSON.parse(received[0]!.toString())
      socket.send('x'.repeat(200_000))
      socket.send(Buffer.from([0, 255]))
      await until('the echo', () => received.length === 3)
      socket.close(4001, 'done')
      const [code] = await once(socket, 'close')
      const own = ['x-mine', 'x-forwarded-proto', 'x-forwarded-for', 'host'].map(name => headers[name])
      return [url, own, socket.protocol, received[1]!.length, [...received[2]!], code]
    },
    ['/ws/a?b=c', ['1', 'ws', '127.0.0.1', '127.0.0.1:{port}'], 'v1.kernel', 200_000, [0, 255], 4001],
  ),
  differs(
    'proxy-upgrade-host',
    'X-Forwarded-Host of an upgrade',
    async (proxy, { echo }) => {
      await proxy.addRoute('/ws-host', echo.url)
      const text = await proxy.raw(upgrade('/ws-host'), /\{.*\}/)
      return /"x-forwarded-host":"([^"]*)"/.exec(text)?.[1] ?? null
    },
    'h',
    null,
  ),
  row(
    'a refusal of the upstream is handed on as it is',
    async proxy => {
      await using upstream = await startUpstream()
      upstream.server.on('upgrade', (_req, socket) => {
        socket.end('HTTP/1.1 403 Forbidden\r\nX-Why: rules\r\nContent-Length: 9\r\n\r\nnot yours')
      })
      await proxy.addRoute('/no-ws', upstream.url)
      const text = await proxy.raw(upgrade('/no-ws'))
      return [status(text), /x-why: rules/i.test(text), /not yours/.test(text)]
    },
    [403, true, true],
  ),
  row(
    'an upgrade to a dead target, and without a route',
    async (proxy, { deadUrl }) => {
      await proxy.addRoute('/dead-ws', deadUrl)
      return [await proxy.raw(upgrade('/dead-ws')), await proxy.raw(upgrade('/none'), /\r\n\r\n/)].map(status)
    },
    [503, 404],
  ),
  differs(
    'proxy-any-upgrade',
    'an upgrade to something else',
    async proxy => {
      await using upstream = await startUpstream()
      upstream.server.on('upgrade', (_req, socket) => {
        socket.write('HTTP/1.1 101 Switching\r\nConnection: Upgrade\r\nUpgrade: other\r\n\r\nhello')
      })
      await proxy.addRoute('/other', upstream.url)
      return await proxy.raw(upgrade('/other', 'other'), 'hello').then(status, () => 'closed')
    },
    101,
    'closed',
  ),
  row(
    'successful requests are use of a route; redirects, refusals and failures are not',
    async proxy => {
      await using upstream = await startUpstream((req, res) => {
        res.statusCode = Number(/\d+$/.exec(req.url!)?.[0])
        res.end()
      })
      await proxy.addRoute('/act', upstream.url)
      const used = []
      for (const code of [200, 204, 302, 404, 500]) {
        used.push(await isUsedBy(proxy, '/act', () => proxy.ask(`/act/${code}`)))
      }
      return used
    },
    [true, true, false, false, false],
  ),
  row(
    'messages of the client are use of a route, those of the server are not',
    async proxy => {
      await using upstream = await startUpstream()
      const server = new WebSocketServer({ server: upstream.server })
      await proxy.addRoute('/messages', upstream.url)
      const client = await proxy.webSocket('/messages')
      const [kept] = server.clients
      const used = [
        await isUsedBy(proxy, '/messages', async () => {
          kept!.send('news')
          await once(client, 'message')
        }),
        await isUsedBy(proxy, '/messages', async () => {
          client.send('work')
          await once(kept!, 'message')
        }),
      ]
      client.terminate()
      return used
    },
    [false, true],
  ),
  differs(
    'proxy-pings-are-no-use',
    'the pongs of a forgotten tab',
    async proxy => {
      await using upstream = await startUpstream()
      const server = new WebSocketServer({ server: upstream.server })
      await proxy.addRoute('/pongs', upstream.url)
      const client = await proxy.webSocket('/pongs')
      const [kept] = server.clients
      const used = await isUsedBy(proxy, '/pongs', async () => {
        kept!.ping()
        await once(kept!, 'pong')
      })
      client.terminate()
      return used
    },
    false,
    true,
  ),
  differs(
    'proxy-untracked',
    "a request that says that it is nobody's work",
    async (proxy, { echo }) => {
      await proxy.addRoute('/untracked', echo.url)
      return isUsedBy(proxy, '/untracked', () => proxy.ask('/untracked/api/status?no_track_activity=1'))
    },
    false,
    true,
  ),
]
