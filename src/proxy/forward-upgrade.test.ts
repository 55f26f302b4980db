import assert from 'node:assert/strict'
import type { Socket } from 'node:net'
import { describe, it } from 'node:test'
import { until } from '../../test/support/until.ts'
import { startTestProxy } from './testing/running-proxy.ts'
import { connectRaw, startRawServer, startUpstream } from './testing/sockets.ts'

const UPGRADE = 'GET /ws HTTP/1.1\r\nHost: h\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n'
const SWITCHING = 'HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\r\n'

/** An upstream that accepts every upgrade and hands its socket to the test. */
function startAccepting(
  onUpgraded: (socket: Socket, text: string) => void = () => {},
  options: { allowHalfOpen?: boolean } = {},
) {
  return startRawServer(socket => {
    let head = ''
    const onHead = (chunk: Buffer) => {
      head += chunk.toString('latin1')
      const end = head.indexOf('\r\n\r\n')
      if (end === -1) return
      socket.off('data', onHead)
      socket.write(SWITCHING)
      onUpgraded(socket, head.slice(end + 4))
    }
    socket.on('data', onHead)
  }, options)
}

describe('forwarding an upgrade', () => {
  it('passes what either side sends right behind its head', async () => {
    let early = ''
    await using upstream = await startAccepting((socket, text) => {
      early = text
      socket.write('hello')
      socket.on('data', chunk => {
        early += chunk
      })
    })
    await using proxy = await startTestProxy({ '/': upstream.url })

    await using connection = connectRaw(proxy.port, `${UPGRADE}eager`)

    assert.equal(await connection.until('hello'), `${SWITCHING}hello`)
    await until('the early bytes', () => early === 'eager')
  })

  it('makes the upgrade of any protocol a splice, Sec-WebSocket or not', async () => {
    await using upstream = await startAccepting(socket => socket.pipe(socket))
    await using proxy = await startTestProxy({ '/': upstream.url })
    await using connection = connectRaw(proxy.port, UPGRADE.replace('websocket', 'tcp'))
    await connection.until('\r\n\r\n')

    connection.send(Buffer.from([0, 1, 255]))

    await connection.until('\x00\x01\xff')
  })

  it('lets one side go on when the other has said its last word', async () => {
    await using upstream = await startAccepting(
      socket => {
        let got = ''
        socket.on('data', chunk => {
          got += chunk
        })
        socket.on('end', () => socket.end(`got ${got}`))
      },
      { allowHalfOpen: true },
    )
    await using proxy = await startTestProxy({ '/': upstream.url })
    await using connection = connectRaw(proxy.port, UPGRADE)
    await connection.until('\r\n\r\n')

    connection.socket.end('last word')

    assert.match(await connection.untilClosed(), /got last word$/)
  })

  it('gives a half-closed connection up when the other half stays silent', async () => {
    await using upstream = await startAccepting(undefined, { allowHalfOpen: true })
    await using proxy = await startTestProxy({ '/': upstream.url }, { halfClosedIdleMs: 100 })
    await using connection = connectRaw(proxy.port, UPGRADE)
    await connection.until('\r\n\r\n')

    connection.socket.end()

    await connection.untilClosed()
  })

  it('never cuts a quiet connection, whatever the time-outs for requests are', async () => {
    await using upstream = await startAccepting(socket => socket.pipe(socket))
    await using proxy = await startTestProxy(
      { '/': upstream.url },
      { timeoutMs: 50, proxyTimeoutMs: 50, halfClosedIdleMs: 50, keepAliveTimeoutMs: 50 },
    )
    await using connection = connectRaw(proxy.port, UPGRADE)
    await connection.until('\r\n\r\n')
    const since = Date.now()

    await until('several time-outs to pass', () => Date.now() - since > 400)
    connection.send('still here')

    await connection.until('still here')
  })

  it('makes a fast upstream wait for a slow client', async () => {
    let sent = 0
    await using upstream = await startAccepting(socket => {
      const chunk = Buffer.alloc(65_536)
      const more = () => {
        for (let taken = true; taken && !socket.destroyed; sent += chunk.length) taken = socket.write(chunk)
      }
      socket.on('drain', more)
      more()
    })
    await using proxy = await startTestProxy({ '/': upstream.url })
    await using connection = connectRaw(proxy.port)
    connection.socket.pause()
    connection.send(UPGRADE)

    let last = -1
    let since = Date.now()
    await until('the stream to stand still', () => {
      if (sent !== last || sent === 0) [last, since] = [sent, Date.now()]
      return Date.now() - since > 300
    })

    assert.ok(sent < 32 * 1024 * 1024, `${sent} bytes ran ahead`)
  })

  it('closes the other side when one breaks', async () => {
    await using upstream = await startAccepting()
    await using proxy = await startTestProxy({ '/': upstream.url })
    const clients = Array.from({ length: 50 }, () => connectRaw(proxy.port, UPGRADE))
    for (const client of clients) await client.until('\r\n\r\n')

    clients.slice(0, 25).forEach(client => void client.socket.resetAndDestroy())
    await until('half of the upstream sockets to close', () => upstream.sockets.size === 25)
    for (const socket of upstream.sockets) socket.resetAndDestroy()

    for (const client of clients.slice(25)) await client.untilClosed()
    await until('the upstream sockets to close', () => upstream.sockets.size === 0)
  })

  it('leaves the upstream when the client goes away before the answer', async () => {
    await using upstream = await startRawServer(socket => void socket.resume())
    await using proxy = await startTestProxy({ '/': upstream.url })
    const [leaves, breaks] = [connectRaw(proxy.port, UPGRADE), connectRaw(proxy.port, UPGRADE)]
    await until('the requests', () => upstream.sockets.size === 2)

    leaves.socket.end()
    breaks.socket.resetAndDestroy()

    await until('the upstream sockets to close', () => upstream.sockets.size === 0)
    leaves.socket.destroy()
  })

  it('hands on a refusal with all of its body, however large, and closes', async () => {
    const body = 'x'.repeat(3_000_000)
    await using upstream = await startUpstream()
    upstream.server.on('upgrade', (_req, socket) => {
      socket.end(`HTTP/1.1 403 Forbidden\r\nConnection: close\r\n\r\n${body}`)
    })
    await using proxy = await startTestProxy({ '/': upstream.url })
    await using connection = connectRaw(proxy.port, UPGRADE)

    const text = await connection.untilClosed()

    assert.match(text, /^HTTP\/1\.1 403 Forbidden\r\n/)
    assert.equal(text.split('x').length - 1 >= body.length, true)
    await until('the sockets to close', () => connection.closed || upstream.sockets.size === 0)
  })

  it('takes a 200 to an upgrade for what it is', async () => {
    await using upstream = await startUpstream((_req, res) => res.end('plain page'))
    await using proxy = await startTestProxy({ '/': upstream.url })
    await using connection = connectRaw(proxy.port, UPGRADE)

    assert.match(await connection.untilClosed(), /^HTTP\/1\.1 200 OK\r\n[\s\S]*plain page/)
    await until('the upstream socket to close', () => upstream.sockets.size === 0)
  })

  it('answers with a page and closes: no route, dead upstream, no answer in time', async () => {
    await using silent = await startRawServer(socket => void socket.resume())
    await using gone = await startRawServer(socket => void socket.once('data', () => socket.destroy()))
    await using proxy = await startTestProxy(
      { '/silent': silent.url, '/gone': gone.url, '/dead': 'http://127.0.0.1:1' },
      { proxyTimeoutMs: 150 },
    )
    const statuses: Record<string, string> = {}
    for (const path of ['/none', '/dead', '/gone', '/silent', '/%ff']) {
      await using connection = connectRaw(proxy.port, UPGRADE.replace('/ws', path))
      const text = await connection.untilClosed()
      statuses[path] = /^HTTP\/1\.1 (\d+ [\w ]+)\r\n[\s\S]*<h1>/.exec(text)?.[1] ?? text
    }

    assert.deepEqual(statuses, {
      '/none': '404 Not Found',
      '/dead': '503 Service Unavailable',
      '/gone': '503 Service Unavailable',
      '/silent': '504 Gateway Timeout',
      '/%ff': '400 Bad Request',
    })
    await until('the upstream sockets to close', () => silent.sockets.size + gone.sockets.size === 0)
  })

  it('ignores an offer of h2c, as a server may', async () => {
    await using upstream = await startUpstream()
    await using proxy = await startTestProxy({ '/': upstream.url })
    await using connection = connectRaw(
      proxy.port,
      'GET / HTTP/1.1\r\nHost: h\r\nConnection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\nHTTP2-Settings: AAMAAABk\r\n\r\n',
    )

    const text = await connection.until('"body":""')

    assert.doesNotMatch(text, /http2-settings/i)
  })

  it('ends upgraded connections when it closes', async () => {
    await using upstream = await startAccepting()
    await using proxy = await startTestProxy({ '/': upstream.url })
    await using connection = connectRaw(proxy.port, UPGRADE)
    await connection.until('\r\n\r\n')

    await proxy.close({ graceMs: 10_000 })

    await connection.untilClosed()
    await until('the upstream socket to close', () => upstream.sockets.size === 0)
  })
})
