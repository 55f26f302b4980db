/** After much coming and going, nothing is left: no socket, no timer, on no side. */
import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { until } from '../../test/support/until.ts'
import { startTestProxy } from './testing/running-proxy.ts'
import { connectRaw, startRawServer, startUpstream } from './testing/sockets.ts'

const ROUNDS = 20

const upgrade = (path: string) => `GET ${path} HTTP/1.1\r\nHost: h\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n`
const get = (path: string) => `GET ${path} HTTP/1.1\r\nHost: h\r\n\r\n`
const upload = (path: string) => `PUT ${path} HTTP/1.1\r\nHost: h\r\nContent-Length: 100000\r\n\r\n${'x'.repeat(5000)}`

const resources = () => {
  const counts = { TCPSocketWrap: 0, Timeout: 0 }
  for (const name of process.getActiveResourcesInfo()) {
    if (name === 'TCPSocketWrap' || name === 'Timeout') counts[name]++
  }
  return counts
}

describe('churn', () => {
  it('leaves sockets and timers where they were', { timeout: 60_000 }, async () => {
    await using upstream = await startUpstream((req, res) => {
      if (req.url === '/ok') res.end('ok')
      else if (req.url === '/begun') res.write('begun')
      else if (req.url === '/early') res.writeHead(413).end()
      // the rest is never answered
    })
    upstream.server.on('upgrade', (req, socket) => {
      if (req.url === '/accept') socket.write('HTTP/1.1 101 S\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n')
      else if (req.url === '/refuse') socket.end('HTTP/1.1 403 No\r\nContent-Length: 2\r\n\r\nno')
      // Node leaves an upgraded socket unread and half open; a real server notices when the other side leaves.
      socket.on('error', () => {}).on('end', () => socket.end())
      socket.resume()
    })
    await using breaking = await startRawServer(socket => void socket.once('data', () => socket.resetAndDestroy()))
    const before = resources()
    await using proxy = await startTestProxy(
      { '/': upstream.url, '/breaking': breaking.url, '/dead': 'http://127.0.0.1:1' },
      { proxyTimeoutMs: 10_000 },
    )
    /** What is sent, what is waited for, and who ends it. */
    const visits: [string, string, 'end' | 'reset'][] = [
      [get('/ok'), 'ok', 'end'],
      [get('/begun'), 'begun', 'reset'],
      [get('/silent'), '', 'reset'],
      [get('/silent'), '', 'end'],
      [get('/breaking'), ' 503 ', 'reset'],
      [get('/dead'), ' 503 ', 'end'],
      [upload('/silent'), '', 'reset'],
      [upload('/early'), ' 413 ', 'end'],
      [upload('/dead'), ' 503 ', 'end'],
      [upgrade('/accept'), ' 101 ', 'reset'],
      [upgrade('/accept'), ' 101 ', 'end'],
      [upgrade('/refuse'), ' 403 ', 'reset'],
      [upgrade('/silent'), '', 'reset'],
      [upgrade('/breaking'), ' 503 ', 'end'],
      [upgrade('/dead'), ' 503 ', 'reset'],
      ['GET / HTTP/1.1\r\nbroken', '', 'end'],
    ]

    for (let round = 0; round < ROUNDS; round++) {
      await Promise.all(
        visits.map(async ([text, expected, how]) => {
          const connection = connectRaw(proxy.port, text)
          await connection.until(expected)
          if (how === 'end') connection.socket.destroy()
          else connection.socket.resetAndDestroy()
        }),
      )
    }

    await until(
      'the upstream sockets to close',
      () => upstream.sockets.size === 0 && breaking.sockets.size === 0,
      20_000,
    )
    assert.equal(await (await fetch(`${proxy.url}/ok`)).text(), 'ok')
    await proxy.close()
    await until('sockets and timers to be gone', () => {
      const now = resources()
      return now.TCPSocketWrap <= before.TCPSocketWrap && now.Timeout <= before.Timeout + 1 // the wait's own
    })
  })
})
