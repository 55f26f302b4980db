import assert from 'node:assert/strict'
import { createHash, randomBytes } from 'node:crypto'
import { once } from 'node:events'
import { constants } from 'node:http2'
import { describe, it } from 'node:test'
import { WebSocketServer } from 'ws'
import { until } from '../../../test/support/until.ts'
import { answerOf, ask, connectHttp2, startHttp2Proxy } from '../testing/http2-client.ts'
import { startRawServer, startUpstream } from '../testing/sockets.ts'

const sha = (bytes: Buffer) => createHash('sha256').update(bytes).digest('hex')

describe('HTTP/2', () => {
  it('reaches the upstream as HTTP/1.1: host, cookies in one field, forwarded fields', async () => {
    await using upstream = await startUpstream()
    await using proxy = await startHttp2Proxy({ '/': upstream.url })
    await using session = await connectHttp2(proxy.port)

    const { headers, body } = await ask(session, {
      ':path': '/user/ada/lab?x=%20',
      ':authority': `hub.example.org:${proxy.port}`,
      cookie: ['a=1', 'b=2'],
      te: 'trailers',
    })

    assert.equal(headers[':status'], 200)
    assert.equal(headers.connection, undefined)
    const seen = JSON.parse(body.toString())
    assert.equal(seen.method, 'GET')
    assert.equal(seen.url, '/user/ada/lab?x=%20')
    assert.partialDeepStrictEqual(seen.headers, {
      host: `hub.example.org:${proxy.port}`,
      cookie: 'a=1; b=2',
      'x-forwarded-for': '127.0.0.1',
      'x-forwarded-proto': 'https',
      'x-forwarded-port': `${proxy.port}`,
    })
  })

  it('carries bodies both ways, of known and unknown length, side by side', async () => {
    await using upstream = await startUpstream((req, res) => req.pipe(res))
    await using proxy = await startHttp2Proxy({ '/': upstream.url })
    await using session = await connectHttp2(proxy.port)
    const bodies = [0, 1, 70_000, 3_000_000].map(size => randomBytes(size))

    const answers = await Promise.all(
      bodies.flatMap(body => [
        ask(session, { ':method': 'POST', ':path': '/a' }, body),
        ask(session, { ':method': 'PUT', ':path': '/b', 'content-length': body.length }, body),
      ]),
    )

    const expected = bodies.flatMap(body => [sha(body), sha(body)])
    assert.deepEqual(
      answers.map(answer => sha(answer.body)),
      expected,
    )
  })

  it('carries trailers and interim responses', async () => {
    await using upstream = await startUpstream(async (req, res) => {
      res.writeEarlyHints({ link: '</style.css>; rel=preload' })
      res.writeHead(200, { trailer: 'x-sum' })
      for await (const chunk of req) res.write(chunk)
      res.addTrailers({ 'x-sum': `got ${Object.entries(req.trailers)}` })
      res.end()
    })
    await using proxy = await startHttp2Proxy({ '/': upstream.url })
    await using session = await connectHttp2(proxy.port)
    const stream = session.request({ ':method': 'POST', ':path': '/', te: 'trailers' }, { waitForTrailers: true })
    let hint: unknown
    stream.on('headers', headers => {
      hint = headers.link
    })
    stream.on('wantTrailers', () => stream.sendTrailers({ 'x-mine': '42', authorization: 'token x' }))
    stream.end('body')

    const { body, trailers } = await answerOf(stream)

    assert.equal(body.toString(), 'body')
    assert.equal(trailers['x-sum'], 'got x-mine,42')
    assert.equal(hint, '</style.css>; rel=preload')
  })

  it('answers HEAD, 204 and 304 without a body, and 404 by itself', async () => {
    await using upstream = await startUpstream((req, res) => {
      const status = Number(req.url?.split('/').at(-1))
      res.writeHead(status, status === 200 ? { 'content-length': 10 } : {})
      res.end(req.method === 'HEAD' || status !== 200 ? undefined : '0123456789')
    })
    await using proxy = await startHttp2Proxy({ '/a': upstream.url })
    await using session = await connectHttp2(proxy.port)

    const head = await ask(session, { ':method': 'HEAD', ':path': '/a/200' })
    assert.deepEqual([head.headers[':status'], head.headers['content-length'], head.body.length], [200, '10', 0])
    for (const status of [204, 304]) {
      const { headers, body } = await ask(session, { ':path': `/a/${status}` })
      assert.deepEqual([headers[':status'], body.length], [status, 0])
    }
    const missing = await ask(session, { ':path': '/elsewhere' })
    assert.equal(missing.headers[':status'], 404)
    assert.ok(missing.body.length > 0)
  })

  it('holds the upstream back while the client does not read, and the client while the upstream does not', async () => {
    let written = 0
    await using upstream = await startUpstream((req, res) => {
      if (req.method === 'POST') return // reads nothing
      const chunk = Buffer.alloc(64 * 1024)
      const more = () => {
        while (written < 200e6 && res.write(chunk)) written += chunk.length
      }
      res.on('drain', more)
      more()
    })
    await using proxy = await startHttp2Proxy({ '/': upstream.url })
    await using session = await connectHttp2(proxy.port)
    const down = session.request({ ':path': '/' })
    await once(down, 'response')
    const up = session.request({ ':method': 'POST', ':path': '/' }, { endStream: false })
    let sent = 0
    const pump = () => {
      while (sent < 200e6 && up.write(Buffer.alloc(64 * 1024))) sent += 64 * 1024
    }
    up.on('drain', pump)
    up.on('error', () => {})
    pump()

    const isStill = async () => {
      const before = written + sent
      await new Promise(resolve => setTimeout(resolve, 300))
      return written + sent === before
    }
    await until('both stand still', isStill)
    assert.ok(written < 30e6, `${written} bytes down`)
    assert.ok(sent < 30e6, `${sent} bytes up`)
    down.close(constants.NGHTTP2_CANCEL)
    await until('the upstream is let go', () => upstream.sockets.size <= 1)
  })

  it('breaks off what the other side breaks off, and the connection goes on', async () => {
    await using upstream = await startUpstream((req, res) => {
      res.write('begun')
      if (req.url === '/broken') setTimeout(() => res.destroy(), 20)
    })
    await using proxy = await startHttp2Proxy({ '/': upstream.url })
    await using session = await connectHttp2(proxy.port)

    await assert.rejects(ask(session, { ':path': '/broken' }))
    const endless = session.request({ ':path': '/endless' })
    await once(endless, 'response')
    assert.equal(upstream.sockets.size, 1)
    endless.close(constants.NGHTTP2_CANCEL)

    await until('the upstream to be let go', () => upstream.sockets.size === 0)
    assert.equal(session.destroyed, false)
  })

  it('refuses what would be read differently behind it', async () => {
    await using upstream = await startUpstream()
    await using proxy = await startHttp2Proxy({ '/': upstream.url })
    await using session = await connectHttp2(proxy.port)
    const isRefused = async (headers: Record<string, string>) => {
      // Node's side refuses some with a reset already.
      const answer = await ask(session, { ':path': '/', ...headers }).catch(() => undefined)
      return answer === undefined || [400, 405, 431].includes(answer.headers[':status']!)
    }
    const faulty = [
      { ':authority': 'a.example', host: 'b.example' },
      { ':authority': 'a b' },
      { ':path': 'http://b.example/' },
      { ':path': '/ HTTP/1.1' },
      { ':method': 'BREW' },
      { 'x-large': 'x'.repeat(63_000), 'x-more': 'y'.repeat(2_000) },
    ]

    for (const headers of faulty) assert.ok(await isRefused(headers), JSON.stringify(headers).slice(0, 80))
    await using again = await connectHttp2(proxy.port)
    assert.equal((await ask(again, { ':path': '/' })).headers[':status'], 200)
  })

  it('tells clients that open and drop streams without end to go', async () => {
    await using upstream = await startUpstream(() => {})
    await using proxy = await startHttp2Proxy({ '/': upstream.url })
    await using session = await connectHttp2(proxy.port)
    let gone = false
    session.on('goaway', () => {
      gone = true
    })
    session.on('close', () => {
      gone = true
    })

    await until('the end', async () => {
      for (let n = 0; n < 50 && !session.destroyed && !session.closed; n++) {
        const stream = session.request({ ':path': '/' })
        stream.on('error', () => {})
        stream.close(constants.NGHTTP2_CANCEL)
      }
      return gone
    })
    await until('the upstream to be let go', () => upstream.sockets.size === 0)
  })

  it('lets requests finish when the proxy ends', async () => {
    let finish = () => {}
    await using upstream = await startUpstream((_req, res) => {
      res.write('one ')
      finish = () => res.end('two')
    })
    await using proxy = await startHttp2Proxy({ '/': upstream.url })
    await using session = await connectHttp2(proxy.port)
    const stream = session.request({ ':path': '/' })
    const answer = answerOf(stream)
    await once(stream, 'response')

    const closed = proxy.close({ graceMs: 10_000 })
    finish()

    assert.equal((await answer).body.toString(), 'one two')
    await closed
  })

  it('is left out where only HTTP/1.1 is wanted', async () => {
    await using proxy = await startHttp2Proxy({}, { http2: false })

    await assert.rejects(connectHttp2(proxy.port))
  })
})

describe('WebSocket over HTTP/2', () => {
  const connectHeaders = {
    ':method': 'CONNECT',
    ':protocol': 'websocket',
    ':path': '/ws',
    'sec-websocket-version': '13',
    origin: 'https://hub.example.org',
  }
  /** A masked text frame of up to 125 bytes (RFC 6455 5.2). */
  const frame = (text: string) =>
    Buffer.concat([Buffer.from([0x81, 0x80 | text.length, 0, 0, 0, 0]), Buffer.from(text)])

  it('talks with a server that knows HTTP/1.1 alone, beside other requests', async () => {
    await using upstream = await startUpstream()
    const sockets = new WebSocketServer({ server: upstream.server })
    sockets.on('connection', peer => peer.on('message', data => peer.send(`echo ${data}`)))
    await using proxy = await startHttp2Proxy({ '/': upstream.url })
    await using session = await connectHttp2(proxy.port)
    assert.equal(session.remoteSettings.enableConnectProtocol, true)
    const stream = session.request(connectHeaders, { endStream: false })
    const [headers] = await once(stream, 'response')
    assert.equal(headers[':status'], 200)
    assert.equal(headers['sec-websocket-accept'], undefined)
    assert.equal(headers.upgrade, undefined)

    stream.write(frame('hello'))
    const [data] = await once(stream, 'data')
    assert.equal((await ask(session, { ':path': '/lab' })).headers[':status'], 200)

    assert.equal(data.subarray(2).toString(), 'echo hello')
    stream.destroy()
    await until('the upstream to see the end', () => sockets.clients.size === 0)
  })

  it('passes a refusal on', async () => {
    await using upstream = await startUpstream()
    upstream.server.on('upgrade', (_req, socket) => {
      socket.end('HTTP/1.1 403 Forbidden\r\nContent-Length: 2\r\n\r\nno')
    })
    await using proxy = await startHttp2Proxy({ '/': upstream.url })
    await using session = await connectHttp2(proxy.port)

    const { headers, body } = await answerOf(session.request(connectHeaders, { endStream: false }))

    assert.equal(headers[':status'], 403)
    assert.equal(body.toString(), 'no')
  })

  it('ends when the server behind ends', async () => {
    await using upstream = await startRawServer(socket => {
      socket.once('data', () => {
        socket.write('HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n')
        setTimeout(() => socket.destroy(), 20)
      })
    })
    await using proxy = await startHttp2Proxy({ '/': upstream.url })
    await using session = await connectHttp2(proxy.port)
    const stream = session.request(connectHeaders, { endStream: false })
    stream.on('error', () => {})
    stream.resume()

    await once(stream, 'end')
    stream.end()
    await once(stream, 'close')

    assert.equal(session.destroyed, false)
    await until('the upstream to be let go', () => upstream.sockets.size === 0)
  })
})
