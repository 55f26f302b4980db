import assert from 'node:assert/strict'
import { once } from 'node:events'
import http from 'node:http'
import type { Socket } from 'node:net'
import { describe, it } from 'node:test'
import { until } from '../../test/support/until.ts'
import { startTestProxy } from './testing/running-proxy.ts'
import { connectRaw, startRawServer, startUpstream } from './testing/sockets.ts'

const CHUNK = Buffer.alloc(64 * 1024, 'x')

/** Writes until the socket or response takes no more, for as long as it is open; counts the bytes. */
function pour(to: http.ServerResponse | Socket, counter: { bytes: number }): void {
  const more = () => {
    for (let taken = true; taken && !to.destroyed; counter.bytes += CHUNK.length) taken = to.write(CHUNK)
  }
  to.on('drain', more)
  more()
}

/** Waits until a counter has stopped growing. */
async function untilSteady(read: () => number): Promise<number> {
  let last = -1
  let since = Date.now()
  await until('the counter to stand still', () => {
    if (read() !== last) {
      last = read()
      since = Date.now()
    }
    return Date.now() - since > 300
  })
  return last
}

describe('forwarding a request', () => {
  it('sends the first piece of a response on before the second exists', async () => {
    let finish = () => {}
    await using upstream = await startUpstream((_req, res) => {
      res.write('first')
      finish = () => res.end('second')
    })
    await using proxy = await startTestProxy({ '/': upstream.url })
    await using connection = connectRaw(proxy.port, 'GET / HTTP/1.1\r\nHost: h\r\n\r\n')

    await connection.until('first')
    finish()

    assert.match(await connection.until('0\r\n\r\n'), /5\r\nfirst\r\n6\r\nsecond\r\n0\r\n\r\n$/)
  })

  it('sends the head of a silent stream on at once', async () => {
    await using upstream = await startUpstream((_req, res) => {
      res.writeHead(200, { 'Content-Type': 'text/event-stream' }).flushHeaders()
    })
    await using proxy = await startTestProxy({ '/': upstream.url })
    await using connection = connectRaw(proxy.port, 'GET / HTTP/1.1\r\nHost: h\r\n\r\n')

    await connection.until('text/event-stream')
  })

  it('sends the first piece of an upload on before the last exists', async () => {
    const pieces: string[] = []
    await using upstream = await startUpstream((req, res) => {
      req.on('data', chunk => pieces.push(String(chunk)))
      req.on('end', () => res.end('done'))
    })
    await using proxy = await startTestProxy({ '/': upstream.url })
    await using connection = connectRaw(proxy.port, 'POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 8\r\n\r\none ')

    await until('the first piece', () => pieces.join('') === 'one ')
    connection.send('more')

    await connection.until('done')
  })

  it('makes a fast upstream wait for a slow client', async () => {
    const sent = { bytes: 0 }
    await using upstream = await startUpstream((_req, res) => pour(res, sent))
    await using proxy = await startTestProxy({ '/': upstream.url })
    await using connection = connectRaw(proxy.port)
    connection.socket.pause()
    connection.send('GET / HTTP/1.1\r\nHost: h\r\n\r\n')

    await until('the stream to begin', () => sent.bytes > 0)
    const steady = await untilSteady(() => sent.bytes)

    assert.ok(steady < 32 * 1024 * 1024, `${steady} bytes ran ahead of a client that reads nothing`)
  })

  it('makes a fast client wait for a slow upstream', async () => {
    await using upstream = await startUpstream(req => void req.pause())
    await using proxy = await startTestProxy({ '/': upstream.url })
    const sent = { bytes: 0 }
    await using connection = connectRaw(proxy.port, 'POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 99999999999\r\n\r\n')

    pour(connection.socket, sent)
    const steady = await untilSteady(() => sent.bytes)

    assert.ok(steady < 32 * 1024 * 1024, `${steady} bytes ran ahead of an upstream that reads nothing`)
  })

  it('leaves no socket to the upstream when a hundred clients go away in the middle', async () => {
    let asked = 0
    await using upstream = await startUpstream((_req, res) => {
      asked++
      res.write('begun')
    })
    await using proxy = await startTestProxy({ '/': upstream.url })
    const clients = Array.from({ length: 100 }, () => connectRaw(proxy.port, 'GET / HTTP/1.1\r\nHost: h\r\n\r\n'))
    await until('all requests to arrive', () => asked === 100)

    for (const client of clients) client.socket.destroy()

    await until('the upstream sockets to close', () => upstream.sockets.size === 0)
  })

  it('leaves no socket to the upstream when clients go away before the response or in mid-upload', async () => {
    let asked = 0
    await using upstream = await startUpstream(req => {
      asked++
      req.resume()
    })
    await using proxy = await startTestProxy({ '/': upstream.url })
    const clients = Array.from({ length: 20 }, (_, i) =>
      connectRaw(
        proxy.port,
        i % 2 ? 'GET / HTTP/1.1\r\nHost: h\r\n\r\n' : 'PUT / HTTP/1.1\r\nHost: h\r\nContent-Length: 9\r\n\r\nhalf',
      ),
    )
    await until('all requests to arrive', () => asked === 20)

    for (const client of clients) client.socket.resetAndDestroy()

    await until('the upstream sockets to close', () => upstream.sockets.size === 0)
  })

  it('breaks off the response of an upstream that breaks off', async () => {
    await using upstream = await startRawServer(socket => {
      socket.once('data', () => {
        socket.write('HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nhalf')
        socket.destroySoon()
      })
    })
    await using proxy = await startTestProxy({ '/': upstream.url })

    const response = await fetch(proxy.url)

    await assert.rejects(response.text())
  })

  it('uses sockets to the upstream again', async () => {
    await using upstream = await startUpstream()
    await using proxy = await startTestProxy({ '/': upstream.url })
    let opened = 0
    upstream.server.on('connection', () => opened++)

    for (let i = 0; i < 10; i++) await (await fetch(proxy.url)).text()

    assert.equal(opened, 1)
  })

  it('asks again when a kept socket turns out to be closed, for requests that may be repeated', async () => {
    let requests = 0
    await using upstream = await startRawServer(socket => {
      let answered = false
      socket.on('data', () => {
        requests++
        // The second request on a socket is what meets a server that has just given it up.
        if (answered) return void socket.destroy()
        answered = true
        socket.write('HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok')
      })
    })
    await using proxy = await startTestProxy({ '/': upstream.url })

    const statuses = []
    for (const method of ['GET', 'GET', 'POST']) {
      statuses.push((await fetch(proxy.url, { method, ...(method === 'POST' && { body: 'x' }) })).status)
    }

    assert.deepEqual(statuses, [200, 200, 503])
    assert.equal(requests, 4)
  })

  it('answers 503 when the upstream closes without a word, and when it speaks no HTTP', async () => {
    await using silent = await startRawServer(socket => void socket.once('data', () => socket.destroy()))
    await using other = await startRawServer(socket => void socket.once('data', () => socket.end('SSH-2.0-x\r\n')))
    await using proxy = await startTestProxy({ '/silent': silent.url, '/other': other.url })

    assert.equal((await fetch(`${proxy.url}/silent`)).status, 503)
    assert.equal((await fetch(`${proxy.url}/other`)).status, 503)
    await until('the upstream sockets to close', () => silent.sockets.size + other.sockets.size === 0)
  })

  it('answers 504 when the upstream does not begin in time, and leaves slow bodies alone', async () => {
    await using upstream = await startUpstream((req, res) => {
      if (req.url !== '/slow-body') return
      res.write('a')
      setTimeout(() => res.end('b'), 400)
    })
    await using proxy = await startTestProxy({ '/': upstream.url }, { proxyTimeoutMs: 150 })

    assert.equal((await fetch(proxy.url)).status, 504)
    assert.equal(await (await fetch(`${proxy.url}/slow-body`)).text(), 'ab')
    await until('the socket of the silent request to close', () => upstream.sockets.size <= 1)
  })

  it('lets the upstream decide about 100-continue', async () => {
    await using upstream = await startUpstream()
    upstream.server.on('checkContinue', (req, res) => {
      if (req.url === '/no') return void res.writeHead(413, { Connection: 'close' }).end('too much')
      res.writeContinue()
      req.resume().on('end', () => res.end('taken'))
    })
    await using proxy = await startTestProxy({ '/': upstream.url })
    const head = (path: string) =>
      `PUT ${path} HTTP/1.1\r\nHost: h\r\nExpect: 100-continue\r\nContent-Length: 4\r\n\r\n`
    await using welcome = connectRaw(proxy.port, head('/yes'))
    await using unwelcome = connectRaw(proxy.port, head('/no'))

    await welcome.until('HTTP/1.1 100 Continue\r\n\r\n')
    welcome.send('body')

    assert.match(await welcome.until('taken'), /100 Continue\r\n\r\nHTTP\/1\.1 200 OK/)
    const refused = await unwelcome.untilClosed()
    assert.match(refused, /^HTTP\/1\.1 413 .*connection: close.*too much/is)
    assert.doesNotMatch(refused, /100 Continue/)
  })

  it('passes an early response on while the client still uploads', async () => {
    await using upstream = await startRawServer(socket => {
      socket.once('data', () =>
        socket.end('HTTP/1.1 413 Too Large\r\nContent-Length: 8\r\nConnection: close\r\n\r\ntoo much'),
      )
    })
    await using proxy = await startTestProxy({ '/': upstream.url })
    await using connection = connectRaw(
      proxy.port,
      'PUT / HTTP/1.1\r\nHost: h\r\nContent-Length: 50000000\r\n\r\nbegin',
    )

    await connection.until('too much')
    pour(connection.socket, { bytes: 0 })

    await until('the upstream socket to close', () => upstream.sockets.size === 0)
  })

  it('passes early hints and trailers on', async () => {
    await using upstream = await startUpstream((req, res) => {
      res.writeEarlyHints({ link: '</style.css>; rel=preload' })
      res.writeHead(200, { Trailer: 'X-Sum' })
      req.resume().on('end', () => {
        res.addTrailers({ 'X-Sum': String(req.trailers['x-check']) })
        res.end('body')
      })
    })
    await using proxy = await startTestProxy({ '/': upstream.url })
    await using connection = connectRaw(
      proxy.port,
      'POST / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\nTrailer: X-Check\r\n\r\n1\r\na\r\n0\r\nX-Check: 42\r\n\r\n',
    )

    const text = await connection.until('X-Sum: 42\r\n\r\n')

    assert.match(text, /^HTTP\/1\.1 103 Early Hints\r\nLink: <\/style\.css>/i)
  })

  it('answers HEAD to a resource that announces trailers', async () => {
    await using upstream = await startRawServer(socket => {
      socket.on('data', () => socket.write('HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nTrailer: X\r\n\r\n'))
    })
    await using proxy = await startTestProxy({ '/': upstream.url })

    assert.equal((await fetch(proxy.url, { method: 'HEAD' })).status, 200)
  })

  it('keeps fields for one hop to that hop', async () => {
    await using upstream = await startUpstream((req, res) => {
      res.writeHead(200, {
        Connection: 'X-Private',
        'X-Private': 'upstream',
        'Keep-Alive': 'timeout=99',
        'Proxy-Connection': 'x',
      })
      res.end(JSON.stringify(req.headers))
    })
    await using proxy = await startTestProxy({ '/': upstream.url })
    await using connection = connectRaw(
      proxy.port,
      'GET / HTTP/1.1\r\nHost: h\r\nConnection: X-Secret, close, Host\r\nX-Secret: 1\r\nX-Kept: 2\r\nKeep-Alive: 5\r\nTE: gzip\r\nProxy-Connection: x\r\nUpgrade: h2c\r\n\r\n',
    )

    const text = await connection.untilClosed()
    const seen = JSON.parse(text.slice(text.indexOf('{'), text.lastIndexOf('}') + 1))

    assert.deepEqual(Object.keys(seen).sort(), [
      'connection',
      'host',
      'x-forwarded-for',
      'x-forwarded-host',
      'x-forwarded-port',
      'x-forwarded-proto',
      'x-kept',
    ])
    assert.equal(seen.connection, 'keep-alive')
    assert.doesNotMatch(text.split('\r\n\r\n')[0]!, /x-private|timeout=99|proxy-connection/i)
  })

  it('answers HTTP/1.0 clients without chunks and closes', async () => {
    await using upstream = await startUpstream((_req, res) => {
      res.write('a')
      res.end('b')
    })
    await using proxy = await startTestProxy({ '/': upstream.url })
    await using connection = connectRaw(proxy.port, 'GET / HTTP/1.0\r\n\r\n')

    const text = await connection.untilClosed()

    assert.match(text, /\r\n\r\nab$/)
    assert.doesNotMatch(text, /transfer-encoding/i)
  })

  it('refuses what two parsers could read differently, and nothing of it reaches the upstream', async () => {
    let reached = 0
    await using upstream = await startUpstream((_req, res) => {
      reached++
      res.end()
    })
    await using proxy = await startTestProxy({ '/': upstream.url })
    const heads = {
      'two hosts': 'GET / HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n',
      'no host': 'GET / HTTP/1.1\r\n\r\n',
      'length and chunks':
        'POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 4\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n',
      'two lengths': 'POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 4\r\nContent-Length: 5\r\n\r\nbodyx',
      'signed length': 'POST / HTTP/1.1\r\nHost: h\r\nContent-Length: +4\r\n\r\nbody',
      'odd coding': 'POST / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: xchunked\r\n\r\n0\r\n\r\n',
      'two codings': 'POST / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n',
      'chunks in 1.0': 'POST / HTTP/1.0\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n',
      'folded field': 'GET / HTTP/1.1\r\nHost: h\r\nX-A: b\r\n c\r\n\r\n',
      'space before colon': 'GET / HTTP/1.1\r\nHost: h\r\nX-A : b\r\n\r\n',
      'bare line feed': 'GET / HTTP/1.1\nHost: h\n\n',
      'null byte': 'GET / HTTP/1.1\r\nHost: h\r\nX-A: b\0c\r\n\r\n',
      'broken escape': 'GET /%ff HTTP/1.1\r\nHost: h\r\n\r\n',
      'huge head': `GET / HTTP/1.1\r\nHost: h\r\nX-A: ${'a'.repeat(70_000)}\r\n\r\n`,
      tunnel: 'CONNECT example.org:443 HTTP/1.1\r\nHost: example.org:443\r\n\r\n',
    }
    const answers: Record<string, string> = {}
    for (const [name, head] of Object.entries(heads)) {
      await using connection = connectRaw(proxy.port, head)
      await connection.until(/^HTTP\/1\.1 \d+/)
      answers[name] = connection.received.slice(9, 12)
    }

    assert.deepEqual(answers, {
      'two hosts': '400',
      'no host': '400',
      'length and chunks': '400',
      'two lengths': '400',
      'signed length': '400',
      'odd coding': answers['odd coding'] === '501' ? '501' : '400',
      'two codings': '501',
      'chunks in 1.0': '400',
      'folded field': '400',
      'space before colon': '400',
      'bare line feed': '400',
      'null byte': '400',
      'broken escape': '400',
      'huge head': '431',
      tunnel: '405',
    })
    assert.equal(reached, 0)
  })

  it('takes a body that comes with an offer to upgrade for a body', async () => {
    await using upstream = await startUpstream()
    await using proxy = await startTestProxy({ '/': upstream.url })
    await using connection = connectRaw(
      proxy.port,
      'POST / HTTP/1.1\r\nHost: h\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nContent-Length: 4\r\n\r\nbody',
    )

    const text = await connection.until('"body":"body"')

    assert.doesNotMatch(text, /"upgrade"/)
  })

  it('lets running requests finish when it closes, and not those that take too long', async () => {
    const waiting: http.ServerResponse[] = []
    await using upstream = await startUpstream((_req, res) => void waiting.push(res))
    await using proxy = await startTestProxy({ '/': upstream.url })
    await using quick = connectRaw(proxy.port, 'GET /quick HTTP/1.1\r\nHost: h\r\n\r\n')
    await until('the request', () => waiting.length === 1)

    const closing = proxy.close({ graceMs: 5000 })
    waiting[0]!.end('finished')

    assert.match(await quick.untilClosed(), /finished/)
    await closing
    await assert.rejects(fetch(proxy.url))
    await until('the upstream sockets to close', () => upstream.sockets.size === 0)
  })

  it('drops a client that is silent for longer than its time-out', async () => {
    await using upstream = await startUpstream(() => {})
    await using proxy = await startTestProxy({ '/': upstream.url }, { timeoutMs: 100 })
    await using connection = connectRaw(proxy.port, 'GET / HTTP/1.1\r\nHost: h\r\n\r\n')

    await connection.untilClosed()

    await until('the upstream sockets to close', () => upstream.sockets.size === 0)
  })

  it('recovers at once when a dead upstream comes back', async () => {
    const upstream = await startUpstream()
    await using proxy = await startTestProxy({ '/': upstream.url })
    await (await fetch(proxy.url)).text()
    await upstream[Symbol.asyncDispose]()
    const down = await fetch(proxy.url)
    const revived = http.createServer((_req, res) => res.end('back')).listen(upstream.port, '127.0.0.1')
    await once(revived, 'listening')
    try {
      assert.equal(down.status, 503)
      assert.equal(await (await fetch(proxy.url)).text(), 'back')
    } finally {
      revived.closeAllConnections()
      revived.close()
    }
  })
})
