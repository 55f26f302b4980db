/** What is no request in HTTP/2 does not become one in HTTP/1.1 behind the proxy (request smuggling by downgrade). */
import assert from 'node:assert/strict'
import { after, before, describe, it } from 'node:test'
import { startHttp2Proxy } from '../../../src/proxy/testing/http2-client.ts'
import { type Recorder, startRecorder } from '../../../src/proxy/testing/recorder.ts'
import type { TestProxy } from '../../../src/proxy/testing/running-proxy.ts'
import { until } from '../../support/until.ts'
import { connectHttp2, type Fields, FLAG, FRAME, fieldBlock } from './http2-raw.ts'

const SMUGGLED = 'GET /smuggled HTTP/1.1\r\nHost: h\r\n\r\n'

const pseudo = (changes: Record<string, string> = {}): [string, string][] =>
  Object.entries({ ':method': 'GET', ':scheme': 'https', ':authority': 'h', ':path': '/x', ...changes })
const POST = pseudo({ ':method': 'POST' })
const without = (name: string) => pseudo().filter(([field]) => field !== name)

/** A body that is left out is none. */
const REFUSED: Record<string, [fields: Fields, body?: string]> = {
  'a length of 0 with a body (H2.CL)': [[...POST, ['content-length', '0']], SMUGGLED],
  'a length that is too small': [[...POST, ['content-length', '4']], `body${SMUGGLED}`],
  'a length that is too large': [[...POST, ['content-length', '400']], 'body'],
  'a length that is no number': [[...POST, ['content-length', '+4']], 'body'],
  'two lengths': [[...POST, ['content-length', '4'], ['content-length', '5']], 'body'],
  'a transfer coding (H2.TE)': [[...POST, ['transfer-encoding', 'chunked']], `0\r\n\r\n${SMUGGLED}`],
  'a connection field': [[...pseudo(), ['connection', 'close']]],
  'an upgrade field': [[...pseudo(), ['upgrade', 'websocket']]],
  'a capital in a name': [[...pseudo(), ['X-A', 'b']]],
  'a line end in the path': [pseudo({ ':path': '/x HTTP/1.1\r\nX-A: b' })],
  'a space in the path': [pseudo({ ':path': '/x y' })],
  'an empty path': [pseudo({ ':path': '' })],
  'a path without a slash': [pseudo({ ':path': 'x' })],
  'a whole request in the method': [pseudo({ ':method': 'GET /smuggled HTTP/1.1\r\nHost: h\r\n\r\nGET' })],
  'a space in the method': [pseudo({ ':method': 'GET /smuggled' })],
  'a line end in the authority': [pseudo({ ':authority': 'h\r\nX-A: b' })],
  'a path in the authority': [pseudo({ ':authority': 'h/smuggled' })],
  'a user in the authority': [pseudo({ ':authority': 'u@h' })],
  'no method': [without(':method')],
  'no path': [without(':path')],
  'no scheme': [without(':scheme')],
  'two paths': [[...pseudo(), [':path', '/smuggled']]],
  'two methods': [[[':method', 'POST'], ...pseudo()]],
  'a pseudo field behind others': [[...without(':path'), ['x-a', 'b'], [':path', '/x']]],
  'an unknown pseudo field': [[...pseudo(), [':x', 'y']]],
  'the status of a response': [[...pseudo(), [':status', '200']]],
  'an empty authority and no host': [pseudo({ ':authority': '' })],
  'a tunnel': [
    [
      [':method', 'CONNECT'],
      [':authority', 'h:443'],
    ],
  ],
}

/** nghttp2 takes such fields out and lets the rest be: then there is nothing left of them. */
const TAKEN_OUT: Record<string, readonly [string, string]> = {
  'a line end in a value': ['x-a', 'b\r\ntransfer-encoding: chunked'],
  'a line feed in a value': ['x-a', 'b\nx-b: c'],
  'a carriage return in a value': ['x-a', 'b\rx-b: c'],
  'a null byte in a value': ['x-a', 'b\0c'],
  'a line end in a name': ['x-a: b\r\ntransfer-encoding', 'chunked'],
  'a colon in a name': ['x:a', 'b'],
  'a space in a name': ['x a', 'b'],
  'an empty name': ['', 'b'],
}

describe('framing of requests in HTTP/2', () => {
  let upstream: Recorder
  let proxy: TestProxy
  before(async () => {
    upstream = await startRecorder()
    proxy = await startHttp2Proxy({ '/': upstream.url })
  })
  after(async () => {
    await proxy?.[Symbol.asyncDispose]()
    await upstream?.[Symbol.asyncDispose]()
  })

  for (const [name, [fields, body]] of Object.entries(REFUSED)) {
    it(`refuses ${name}`, async () => {
      upstream.forget()
      await using client = await connectHttp2(proxy.port)

      client.request(1, fields, body)
      await client.untilSettled(1)

      assert.deepEqual(upstream.requests, [], 'it was completed')
      assert.deepEqual(upstream.faults, [])
      assert.doesNotMatch(upstream.begun.join(), /smuggled/)
    })
  }

  for (const [name, field] of Object.entries(TAKEN_OUT)) {
    it(`refuses or takes out ${name}`, async () => {
      upstream.forget()
      await using client = await connectHttp2(proxy.port)

      client.request(1, [...pseudo(), field])
      await client.untilSettled(1)

      const seen = upstream.requests.map(({ method, url, body, headers }) => [
        ...[method, url, body],
        ...Object.keys(headers)
          .filter(header => !header.startsWith('x-forwarded-'))
          .sort(),
      ])
      assert.ok(seen.length <= 1)
      for (const request of seen) assert.deepEqual(request, ['GET', '/x', '', 'connection', 'host'])
      assert.deepEqual(upstream.faults, [])
    })
  }

  it('sends on what is right, once', async () => {
    upstream.forget()
    await using client = await connectHttp2(proxy.port)

    client.request(
      1,
      [...POST, ['content-length', '4'], ['cookie', 'a=b'], ['cookie', 'c=d'], ['x-a', '\xe4 b']],
      'body',
    )
    client.request(3, POST, SMUGGLED)
    await client.untilSettled(1)
    await client.untilSettled(3)

    const seen = upstream.requests.map(({ method, url, body }) => [method, url, body]).sort()
    assert.deepEqual(seen, [
      ['POST', '/x', SMUGGLED],
      ['POST', '/x', 'body'],
    ])
    const { headers } = upstream.requests.find(({ body }) => body === 'body')!
    assert.deepEqual([headers.host, headers.cookie, headers['x-a']], ['h', 'a=b; c=d', '\xe4 b'])
    assert.deepEqual(upstream.faults, [])
  })

  it('says one host only, whatever the Host field says', async () => {
    upstream.forget()
    await using client = await connectHttp2(proxy.port)

    client.request(1, [...pseudo(), ['host', 'other']])
    await client.untilSettled(1)

    const hosts = upstream.requests.flatMap(({ rawHeaders }) =>
      rawHeaders.filter((_, i, all) => /^host$/i.test(all[i - 1] ?? '')),
    )
    assert.ok(hosts.length === 0 || (hosts.length === 1 && hosts[0] === 'h'), `hosts ${hosts}`)
  })

  it('keeps fields out of trailers that frame or route', async () => {
    upstream.forget()
    await using client = await connectHttp2(proxy.port)

    client.send(FRAME.headers, FLAG.endHeaders, 1, fieldBlock(POST))
    client.send(FRAME.data, 0, 1, Buffer.from('body'))
    const trailers: Fields = [
      ['x-sum', '1'],
      ['content-length', '9'],
      ['host', 'other'],
    ]
    client.send(FRAME.headers, FLAG.endHeaders | FLAG.endStream, 1, fieldBlock(trailers))
    await client.untilSettled(1)

    for (const { body, trailers: seen } of upstream.requests) {
      assert.equal(body, 'body')
      assert.deepEqual(
        Object.keys(seen).filter(name => name !== 'x-sum'),
        [],
      )
    }
    assert.deepEqual(upstream.faults, [])
  })

  it('goes on serving others while a client opens and resets streams without end (CVE-2023-44487)', async () => {
    upstream.forget()
    await using attacker = await connectHttp2(proxy.port)
    for (let stream = 1; stream < 4000 && !attacker.closed; stream += 2) {
      attacker.send(FRAME.headers, FLAG.endHeaders | FLAG.endStream, stream, fieldBlock(pseudo({ ':path': '/attack' })))
      attacker.send(FRAME.reset, 0, stream, Buffer.from([0, 0, 0, 8]))
    }
    await using other = await connectHttp2(proxy.port)

    other.request(1, pseudo({ ':path': '/other' }))
    await other.untilSettled(1)

    assert.ok(upstream.begun.includes('/other'))
    assert.ok(upstream.sockets.size < 300, `${upstream.sockets.size} connections to the upstream`)
  })

  it('gives up on a head without end (CVE-2024-27316)', async () => {
    await using attacker = await connectHttp2(proxy.port)
    attacker.send(FRAME.headers, 0, 1, fieldBlock(pseudo()))
    const more = fieldBlock(Array.from({ length: 100 }, (_, i) => [`x-${i}`, 'y'.repeat(100)] as const))

    for (let i = 0; i < 500 && !attacker.closed; i++) {
      attacker.send(FRAME.continuation, 0, 1, more)
      await new Promise(setImmediate)
    }

    await until(
      'the connection to be closed',
      () => attacker.closed || attacker.frames.some(({ type }) => type === FRAME.goaway),
    )
  })
})
