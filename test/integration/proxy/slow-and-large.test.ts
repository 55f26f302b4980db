/** Who is slow, silent or greedy costs little and cuts nobody else; who is slow by right is never cut. */
import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { describe, it } from 'node:test'
import { startTestProxy } from '../../../src/proxy/testing/running-proxy.ts'
import { connectRaw, startRawServer, startUpstream } from '../../../src/proxy/testing/sockets.ts'
import { spawnProxy } from '../../../src/proxy/testing/spawn-proxy.ts'
import { until } from '../../support/until.ts'

const residentMegabytes = (pid: number) =>
  Number(/^VmRSS:\s+(\d+) kB/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1]) / 1024

describe('slow readers', () => {
  it('take little memory of the proxy, however much is on its way to them', { timeout: 60_000 }, async () => {
    const chunk = Buffer.alloc(64 * 1024, 'x')
    let [begun, poured] = [0, 0]
    await using upstream = await startUpstream((req, res) => {
      if (req.url === '/small') return void res.end('small')
      begun++
      const more = () => {
        do poured++
        while (!res.destroyed && res.write(chunk))
      }
      res.on('drain', more)
      more()
    })
    await using proxy = await spawnProxy('orrery', ['--log-level', 'error'])
    await proxy.api('POST', '/', { target: upstream.url })
    for (let i = 0; i < 100; i++) await (await fetch(`${proxy.url}/small`)).text()
    const before = residentMegabytes(proxy.child.pid!)
    const clients = Array.from({ length: 40 }, () => connectRaw(proxy.port))
    for (const { socket } of clients) socket.pause()

    for (const client of clients) client.send('GET / HTTP/1.1\r\nHost: h\r\n\r\n')
    await until('all to begin', () => begun === 40)
    let [last, since] = [-1, Date.now()]
    await until('the streams to stand still', () => {
      if (poured !== last) [last, since] = [poured, Date.now()]
      return Date.now() - since > 500
    })

    const grown = residentMegabytes(proxy.child.pid!) - before
    for (const { socket } of clients) socket.destroy()
    // Most of it is what no collection of garbage has come to yet; without a limit it would be all that is poured.
    assert.ok(grown < 200, `${grown.toFixed(0)} MB for 40 readers that read nothing`)
  })
})

describe('time-outs', () => {
  it('leave a download alone that trickles, and a WebSocket that is quiet', async () => {
    await using upstream = await startUpstream(async (_req, res) => {
      for (let i = 0; i < 8; i++) {
        res.write('x')
        await new Promise(resolve => setTimeout(resolve, 60))
      }
      res.end('end')
    })
    upstream.server.on('upgrade', (_req, socket) => {
      socket.write('HTTP/1.1 101 S\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n')
      socket.pipe(socket).on('error', () => {})
    })
    await using proxy = await startTestProxy(
      { '/': upstream.url },
      { timeoutMs: 200, proxyTimeoutMs: 200, keepAliveTimeoutMs: 200 },
    )
    await using quiet = connectRaw(
      proxy.port,
      'GET / HTTP/1.1\r\nHost: h\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n',
    )
    await quiet.until('\r\n\r\n')
    await using download = connectRaw(proxy.port, 'GET / HTTP/1.1\r\nHost: h\r\n\r\n')

    await download.until('end')
    quiet.send('still here')

    await quiet.until('still here')
  })

  it('leave an upload alone that trickles', async () => {
    await using upstream = await startUpstream()
    await using proxy = await startTestProxy(
      { '/': upstream.url },
      { timeoutMs: 200, proxyTimeoutMs: 2000, keepAliveTimeoutMs: 200 },
    )
    await using upload = connectRaw(proxy.port, 'POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 10\r\n\r\n')

    for (let i = 0; i < 10; i++) {
      const begun = Date.now()
      await until('a while to pass', () => Date.now() - begun > 60)
      upload.send(`${i}`)
    }

    await upload.until('"body":"0123456789"')
  })

  it('close connections that are idle, and not those whose answer is due', async () => {
    let answer = () => {}
    await using upstream = await startUpstream((req, res) => {
      if (req.url === '/later') answer = () => res.end('later')
      else res.end('now')
    })
    await using proxy = await startTestProxy({ '/': upstream.url }, { keepAliveTimeoutMs: 100 })
    await using waiting = connectRaw(proxy.port, 'GET /later HTTP/1.1\r\nHost: h\r\n\r\n')
    await using idle = connectRaw(proxy.port, 'GET /now HTTP/1.1\r\nHost: h\r\n\r\n')
    await idle.until('now')

    await idle.untilClosed()
    answer()

    await waiting.until('later')
  })
})

describe('clients that are slow on purpose', () => {
  it('are let go when the head of a request does not come in time, however its bytes drip in', async () => {
    await using upstream = await startUpstream()
    await using proxy = await startTestProxy({ '/': upstream.url }, { headTimeoutMs: 300, keepAliveTimeoutMs: 10_000 })
    await using kept = connectRaw(proxy.port, 'GET / HTTP/1.1\r\nHost: h\r\n\r\n')
    await kept.until('"body"')
    const silent = connectRaw(proxy.port)
    const dripping = [connectRaw(proxy.port, 'GET / HTTP/1.1\r\n'), kept]

    const drip = setInterval(() => dripping.forEach(client => void client.send('X')), 20)
    try {
      for (const client of [silent, ...dripping]) await client.untilClosed()
    } finally {
      clearInterval(drip)
    }

    for (const client of dripping) assert.match(client.received, /HTTP\/1\.1 408 /)
    assert.equal(silent.received, '')
  })

  it('do not keep others waiting', async () => {
    await using upstream = await startUpstream()
    await using proxy = await startTestProxy({ '/': upstream.url })
    const slow = Array.from({ length: 500 }, () => connectRaw(proxy.port, 'GET / HTTP/1.1\r\nHost: h\r\nX-Slow: '))
    await until('all to be there', () => slow.every(({ socket }) => socket.readyState === 'open'))

    const response = await fetch(proxy.url)

    assert.equal(response.status, 200)
    assert.ok(upstream.sockets.size <= 1, 'an unfinished head has opened a connection')
    for (const { socket } of slow) socket.destroy()
  })
})

describe('clients that leave', () => {
  it('take their request along, whether it has been answered in part or not at all', async () => {
    const ended: string[] = []
    await using upstream = await startUpstream((req, res) => {
      res.on('close', () => ended.push(req.url!))
      if (req.url === '/begun') res.write('begun')
    })
    await using proxy = await startTestProxy({ '/': upstream.url })
    for (const path of ['/begun', '/silent']) {
      await using connection = connectRaw(proxy.port, `GET ${path} HTTP/1.1\r\nHost: h\r\n\r\n`)
      await until('the request', () => upstream.sockets.size > 0)
      if (path === '/begun') await connection.until('begun')
      connection.socket.destroy()
      await until('the upstream to notice', () => ended.includes(path))
    }
  })

  it('in mid-upload leave no half request for a whole one', async () => {
    const complete: boolean[] = []
    await using upstream = await startUpstream(req => {
      req.resume().on('error', () => {})
      req.on('close', () => complete.push(req.complete))
    })
    await using proxy = await startTestProxy({ '/': upstream.url })
    for (const framing of ['Content-Length: 10\r\n\r\nhalf', 'Transfer-Encoding: chunked\r\n\r\n4\r\nhalf\r\n']) {
      await using connection = connectRaw(proxy.port, `POST / HTTP/1.1\r\nHost: h\r\n${framing}`)
      const before = complete.length
      await until('the request', () => upstream.sockets.size > 0)
      connection.socket.end()
      await until('the upstream to notice', () => complete.length > before)
    }

    assert.deepEqual(complete, [false, false])
  })
})

describe('responses without a body', () => {
  it('leave the connection in step', async () => {
    await using upstream = await startUpstream((req, res) => {
      const status = Number(req.url!.slice(1))
      res.writeHead(status, status === 304 ? { 'Content-Length': '100', ETag: '"x"' } : {}).end()
    })
    await using proxy = await startTestProxy({ '/': upstream.url, '/last': upstream.url })
    const get = (path: string, method = 'GET') => `${method} ${path} HTTP/1.1\r\nHost: h\r\n\r\n`
    await using connection = connectRaw(proxy.port)

    for (const request of [get('/204'), get('/304'), get('/200', 'HEAD'), get('/205'), get('/200')]) {
      const before = connection.received.match(/HTTP\/1\.1 /g)?.length ?? 0
      connection.send(request)
      await until('the answer', () => connection.received.match(/HTTP\/1\.1 /g)?.length === before + 1)
      await connection.until(/\r\n\r\n(?:0\r\n\r\n)?$/)
    }

    assert.deepEqual(
      connection.received.match(/HTTP\/1\.1 \d+/g),
      ['204', '304', '200', '205', '200'].map(status => `HTTP/1.1 ${status}`),
    )
  })
})

describe('an upstream that ends its connection', () => {
  it('with its response does not break the requests that follow', async () => {
    let answered = 0
    await using upstream = await startRawServer(socket => {
      socket.on('data', () => {
        answered++
        socket.end('HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok') // without saying so
      })
    })
    await using proxy = await startTestProxy({ '/': upstream.url })

    for (let i = 0; i < 100; i++) {
      const response = await fetch(proxy.url, { method: i % 2 ? 'POST' : 'GET' })
      assert.deepEqual([response.status, await response.text()], [200, 'ok'])
      if (i % 10 === 0) await until('its end to arrive', () => upstream.sockets.size === 0)
    }

    assert.ok(answered >= 100)
  })

  it('after the answer, before all of an upload, keeps the answer', async () => {
    await using upstream = await startRawServer(socket => {
      socket.once('data', () => {
        socket.write('HTTP/1.1 403 No\r\nContent-Length: 2\r\nConnection: close\r\n\r\nno')
        socket.destroySoon()
      })
    })
    await using proxy = await startTestProxy({ '/': upstream.url })
    await using connection = connectRaw(
      proxy.port,
      `PUT / HTTP/1.1\r\nHost: h\r\nContent-Length: 1000000\r\n\r\n${'x'.repeat(1000)}`,
    )

    assert.match(await connection.until(/\r\n\r\n./), /^HTTP\/1\.1 403 No\r\n[\s\S]*no$/)
  })
})
