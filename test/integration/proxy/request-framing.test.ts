/** Each request of the list has one meaning behind the proxy, or none. Judge is Node's strict parser in the upstream. */
import assert from 'node:assert/strict'
import { after, before, describe, it } from 'node:test'
import { type Recorder, startRecorder } from '../../../src/proxy/testing/recorder.ts'
import { startTestProxy, type TestProxy } from '../../../src/proxy/testing/running-proxy.ts'
import { connectRaw } from '../../../src/proxy/testing/sockets.ts'
import { until } from '../../support/until.ts'
import { FRAMING_CASES, SMUGGLED } from './framing-cases.ts'

const PLAIN = 'GET /plain HTTP/1.1\r\nHost: h\r\n\r\n'
const PROBE = 'GET /probe HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n'

describe('framing of requests', () => {
  let upstream: Recorder
  let proxy: TestProxy
  before(async () => {
    upstream = await startRecorder()
    proxy = await startTestProxy({ '/': upstream.url }, { keepAliveTimeoutMs: 500 })
  })
  after(async () => {
    await proxy?.[Symbol.asyncDispose]()
    await upstream?.[Symbol.asyncDispose]()
  })

  for (const { name, bytes, verdict } of FRAMING_CASES) {
    it(name, async () => {
      upstream.forget()
      await using connection = connectRaw(proxy.port, Buffer.from(bytes, 'latin1'))

      if (verdict === 'broken') connection.socket.end() // some of these wait for more
      const answer = await untilAnswered(connection)
      const status = statusOf(answer)
      const refused = () => {
        assert.ok(status >= 400 && status < 600, `answered ${JSON.stringify(answer.slice(0, 200))}`)
        assert.deepEqual(upstream.begun, [], 'something was sent on')
      }

      if (verdict === 'broken') {
        assert.ok(status === 0 || (status >= 400 && status < 600), `answered ${answer}`)
        await connection.untilClosed()
        assert.deepEqual(upstream.requests, [], 'it was completed')
      } else if ('refused' in verdict) {
        refused()
        await connection.untilClosed()
        assert.ok(verdict.refused.includes(status), `refused with ${status}`)
      } else {
        const expected = 'forwarded' in verdict ? verdict.forwarded : verdict.refusedOr
        if ('refusedOr' in verdict && status >= 400) refused()
        else assert.deepEqual(upstream.requests.map(seen), [expected])
      }
      assert.deepEqual(upstream.faults, [])
      assert.doesNotMatch(upstream.begun.join(), /smuggled/)
    })
  }

  it('closes after a refusal: what was sent behind it is not read', async () => {
    upstream.forget()
    await using connection = connectRaw(proxy.port, `GET /x HTTP/1.1\r\nHost: h\r\nX-A : b\r\n\r\n${SMUGGLED}`)

    const text = await connection.untilClosed()

    assert.equal(text.match(/HTTP\/1\.1 /g)?.length, 1)
    assert.deepEqual(upstream.begun, [])
  })

  it('answers pipelined requests in order, each with its own body', async () => {
    upstream.forget()
    const second = 'POST /two HTTP/1.1\r\nHost: h\r\nContent-Length: 4\r\n\r\nbody'
    const third = 'POST /three HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n'
    await using connection = connectRaw(proxy.port, PLAIN + second + third + PROBE)

    const text = await connection.untilClosed()

    assert.deepEqual(text.match(/seen \/(plain|two|three|probe)/g), [
      'seen /plain',
      'seen /two',
      'seen /three',
      'seen /probe',
    ])
    assert.deepEqual(
      upstream.requests.map(({ body }) => body),
      ['', 'body', 'abc', ''],
    )
  })

  it('reads what exceeds a body as the next request, and refuses it when it is none', async () => {
    upstream.forget()
    await using connection = connectRaw(
      proxy.port,
      `POST /one HTTP/1.1\r\nHost: h\r\nContent-Length: 4\r\n\r\nbodyexcess\r\n\r\n${SMUGGLED}`,
    )

    const text = await connection.untilClosed()

    assert.match(text, /seen \/one/)
    assert.match(text, /HTTP\/1\.1 400 /)
    assert.deepEqual(upstream.begun, ['/one'])
  })

  it('takes a request that comes byte by byte for the same', async () => {
    upstream.forget()
    await using connection = connectRaw(proxy.port)
    const request =
      'POST /x?q HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n4\r\nbody\r\n0\r\nX-T: 1\r\n\r\n'

    for (const byte of request) {
      connection.socket.write(byte)
      await new Promise(setImmediate)
    }

    await connection.until('seen /x?q')
    assert.partialDeepStrictEqual(upstream.requests, [{ method: 'POST', url: '/x?q', body: 'body' }])
  })

  it('sends one Host only, that of a target with an authority', async () => {
    upstream.forget()
    await using connection = connectRaw(
      proxy.port,
      'GET http://other:81/x HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n',
    )

    await connection.untilClosed()

    const hosts = upstream.requests.flatMap(({ rawHeaders }) =>
      rawHeaders.filter((_, i, all) => /^host$/i.test(all[i - 1] ?? '')),
    )
    assert.deepEqual(hosts, ['other:81'])
  })

  it('keeps fields out of trailers that frame, route or identify', async () => {
    upstream.forget()
    const trailers = [
      'Content-Length: 10',
      'Transfer-Encoding: chunked',
      'Host: evil',
      'Authorization: x',
      'Cookie: a=b',
      'X-Sum: 1',
    ]
    await using connection = connectRaw(
      proxy.port,
      `POST /x HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\nTrailer: X-Sum\r\n\r\n1\r\na\r\n0\r\n${trailers.join('\r\n')}\r\n\r\n`,
    )

    await connection.until('seen /x')

    assert.deepEqual({ ...upstream.requests[0]?.trailers }, { 'x-sum': '1' })
  })

  it('lets a client not take away what the proxy adds by naming it in Connection', async () => {
    upstream.forget()
    await using connection = connectRaw(
      proxy.port,
      'GET /x HTTP/1.1\r\nHost: h\r\nConnection: close, X-Forwarded-For, X-Forwarded-Host, X-Forwarded-Proto\r\n\r\n',
    )

    await connection.untilClosed()

    const { headers } = upstream.requests[0]!
    assert.deepEqual(
      [headers['x-forwarded-for'], headers['x-forwarded-host'], headers['x-forwarded-proto']],
      ['127.0.0.1', 'h', 'http'],
    )
  })

  it('passes a thousand small fields on', async () => {
    upstream.forget()
    const fields = Array.from({ length: 1000 }, (_, i) => `X-${i}: ${i}\r\n`).join('')
    await using connection = connectRaw(proxy.port, `GET /x HTTP/1.1\r\nHost: h\r\n${fields}\r\n`)

    await connection.until('seen /x')

    assert.equal(Object.keys(upstream.requests[0]!.headers).filter(name => /^x-\d+$/.test(name)).length, 1000)
  })
})

const seen = ({ method, url, body }: Recorder['requests'][number]) => ({ method, url, body })

const statusOf = (text: string) => Number(/^HTTP\/1\.[01] (\d{3}) /.exec(text)?.[1] ?? 0)

async function untilAnswered(connection: ReturnType<typeof connectRaw>): Promise<string> {
  await until(
    'an answer',
    () => connection.received.includes('\r\n\r\n') || connection.ended || connection.closed,
    10_000,
  )
  return connection.received
}
