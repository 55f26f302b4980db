import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { HeadFault } from '../http1/request-head.ts'
import { requestText, trailerLines } from './request-text.ts'
import { responseFields } from './response-fields.ts'

const GET = [':method', 'GET', ':scheme', 'https', ':authority', 'hub.example.org', ':path', '/lab']

describe('a request of HTTP/2 as text', () => {
  it('has the fields in their order, one cookie, and chunks where no length is known', () => {
    const fields = ['cookie', 'a=1', 'accept', '*/*', 'cookie', 'b=2']

    assert.equal(
      requestText([...GET, ...fields], true),
      'GET /lab HTTP/1.1\r\nhost: hub.example.org\r\naccept: */*\r\ncookie: a=1; b=2\r\n\r\n',
    )
    assert.match(`${requestText([...GET, ...fields], false)}`, /transfer-encoding: chunked\r\n\r\n$/)
    assert.doesNotMatch(`${requestText([...GET, 'content-length', '5'], false)}`, /chunked/)
  })

  it('asks for an upgrade where the client wants a WebSocket', () => {
    const connect = [':method', 'CONNECT', ':protocol', 'websocket', ':authority', 'a', ':path', '/ws']

    assert.match(
      `${requestText(connect, false)}`,
      /^GET \/ws HTTP\/1\.1\r\nhost: a\r\nsec-websocket-key: [A-Za-z0-9+/]{22}==\r\nconnection: Upgrade\r\nupgrade: websocket\r\n\r\n$/,
    )
  })

  for (const [why, fields] of [
    ['a second framing', ['transfer-encoding', 'chunked']],
    ['a connection option', ['connection', 'x-secret']],
    ['an upgrade', ['upgrade', 'websocket']],
    ['old keep-alive', ['keep-alive', 'timeout=5']],
    ['another TE than trailers', ['te', 'gzip']],
    ['a line end in a value', ['x', 'a\r\nHost: b']],
    ['a line feed in a value', ['x', 'a\nHost: b']],
    ['a zero byte', ['x', 'a\0']],
    ['a colon in a name', ['x: y\r\nz', 'a']],
    ['a capital in a name', ['Host', 'b']],
    ['an empty name', ['', 'b']],
    ['a line end in a path', [':path', '/ HTTP/1.1\r\nx: y']],
    ['two paths', [':path', '/other']],
    ['another host', ['host', 'b']],
    ['two hosts', ['host', 'hub.example.org', 'host', 'hub.example.org']],
    ['a protocol without CONNECT', [':protocol', 'websocket']],
  ] as const) {
    it(`does not carry ${why}`, () => assert.ok(requestText([...GET, ...fields], true) instanceof HeadFault))
  }

  it('is no tunnel, and no other protocol than WebSocket', () => {
    const connect = [':method', 'CONNECT', ':authority', 'a:22']
    const fault = requestText(connect, false)
    assert.ok(fault instanceof HeadFault)
    assert.equal(fault.status, 405)
    assert.ok(requestText([...connect, ':path', '/', ':protocol', 'connect-udp'], false) instanceof HeadFault)
  })

  it('has trailers without those that could change its meaning', () => {
    const raw = ['x-sum', '1', 'content-length', '5', 'transfer-encoding', 'chunked', 'x-bad', 'a\r\nb: c', 'host', 'b']

    assert.equal(trailerLines(raw), 'x-sum: 1\r\n')
  })
})

describe('a response for HTTP/2', () => {
  it('has small names, and nothing that is for one hop', () => {
    const lines =
      'Content-Type: text/html\r\nKeep-Alive: timeout=5\r\nConnection: x\r\nSet-Cookie: a\r\nSet-Cookie: b:c\r\n'

    assert.deepEqual(responseFields(lines), ['content-type', 'text/html', 'set-cookie', 'a', 'set-cookie', 'b:c'])
  })
})
