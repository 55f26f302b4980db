import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { type FieldRules, HeadFault, parseRequestHead, type RequestHead } from './request-head.ts'

const RULES: FieldRules = { takeForwarded: true, replaced: undefined }

function parse(text: string, rules = RULES) {
  const bytes = Buffer.from(text, 'latin1')
  return parseRequestHead(bytes, 0, bytes.length, rules)
}

function headOf(lines: string, rules = RULES): RequestHead {
  const parsed = parse(`GET / HTTP/1.1\r\n${lines}\r\n`, rules)
  if (!parsed || parsed instanceof HeadFault) assert.fail(`no head: ${parsed?.reason}`)
  return parsed.head
}

function statusOf(text: string): number | undefined {
  const parsed = parse(text)
  return parsed instanceof HeadFault ? parsed.status : undefined
}

describe('the head of a request', () => {
  it('keeps the fields for the next server as they were written, and no others', () => {
    const head = headOf(
      'Accept:  */*  \r\nHost: h:1\r\nConnection: keep-alive, X-Private\r\nx-private: 1\r\nX-Forwarded-For: a\r\nCookie: c=1\r\nTE: trailers\r\nTrailer: T\r\nUpgrade: h2c\r\nCookie: d=2\r\n',
    )

    assert.equal(head.lines, 'Accept:  */*  \r\nCookie: c=1\r\nCookie: d=2\r\n')
    assert.deepEqual([head.host, head.takesTrailers, head.upgrade], ['h:1', true, undefined])
    assert.deepEqual(head.forwarded, { for: 'a', port: undefined, proto: undefined, host: undefined })
  })

  it('leaves out what the proxy is told to set', () => {
    const rules = { takeForwarded: false, replaced: new Set(['x-two']) }

    assert.equal(headOf('Host: h\r\nX-Two: 2\r\nX-Forwarded-For: a\r\n', rules).lines, 'X-Forwarded-For: a\r\n')
  })

  it('does not let Connection take away what frames and routes a message', () => {
    const head = headOf('Host: h\r\nContent-Length: 3\r\nConnection: close, Content-Length, Host\r\n')

    assert.equal(head.lines, 'Content-Length: 3\r\n')
    assert.deepEqual([head.body, head.contentLength, head.keepAlive], ['length', 3, false])
  })

  it('knows an upgrade by Connection and Upgrade together, and without a body', () => {
    assert.equal(headOf('Host: h\r\nConnection: keep-alive, Upgrade\r\nUpgrade: websocket\r\n').upgrade, 'websocket')
    assert.equal(headOf('Host: h\r\nUpgrade: websocket\r\n').upgrade, undefined)
    assert.equal(
      headOf('Host: h\r\nConnection: upgrade\r\nUpgrade: websocket\r\nContent-Length: 1\r\n').upgrade,
      undefined,
    )
  })

  it('keeps a connection of HTTP/1.0 only when asked to', () => {
    const of = (text: string) => {
      const parsed = parse(text)
      return parsed && !(parsed instanceof HeadFault) ? parsed.head.keepAlive : undefined
    }

    assert.equal(of('GET / HTTP/1.0\r\n\r\n'), false)
    assert.equal(of('GET / HTTP/1.0\r\nConnection: Keep-Alive\r\n\r\n'), true)
  })

  it('waits for what is missing, wherever the bytes end', () => {
    const text = '\r\nPOST /a HTTP/1.1\r\nHost: h\r\nContent-Length: 2\r\n\r\n'
    for (let length = 0; length < text.length; length++) assert.equal(parse(text.slice(0, length)), undefined)

    const parsed = parse(`${text}ok`)

    assert.ok(parsed && !(parsed instanceof HeadFault))
    assert.equal(parsed.end, text.length)
  })

  it('takes a thousand fields', () => {
    const lines = Array.from({ length: 1000 }, (_, i) => `X-${i}: ${i}\r\n`).join('')

    assert.equal(headOf(`${lines}Host: h\r\n`).lines, lines)
  })

  it('refuses what two servers could read differently', () => {
    const faults: Record<string, [string, number]> = {
      'no method': [' / HTTP/1.1\r\n\r\n', 400],
      'an unknown method': ['GRAB / HTTP/1.1\r\nHost: h\r\n\r\n', 400],
      'two blanks': ['GET  / HTTP/1.1\r\nHost: h\r\n\r\n', 400],
      'a blank in the target': ['GET /a b HTTP/1.1\r\nHost: h\r\n\r\n', 400],
      'HTTP/0.9': ['GET /\r\n\r\n', 400],
      'HTTP/2': ['PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n', 400],
      'HTTP/2 of a known method': ['GET / HTTP/2.0\r\n\r\n', 505],
      'HTTP/1.2': ['GET / HTTP/1.2\r\nHost: h\r\n\r\n', 505],
      'a line that ends in LF': ['GET / HTTP/1.1\r\nHost: h\n\r\n', 400],
      'a line that ends in CR': ['GET / HTTP/1.1\r\nHost: h\rX: y\r\n\r\n', 400],
      'a folded value': ['GET / HTTP/1.1\r\nHost: h\r\nX: a\r\n b\r\n\r\n', 400],
      'a blank before the first field': ['GET / HTTP/1.1\r\n Host: h\r\n\r\n', 400],
      'a blank before the colon': ['GET / HTTP/1.1\r\nHost : h\r\n\r\n', 400],
      'no name': ['GET / HTTP/1.1\r\n: h\r\n\r\n', 400],
      'a field without a colon': ['GET / HTTP/1.1\r\nHost\r\n\r\n', 400],
      NUL: ['GET / HTTP/1.1\r\nHost: h\r\nX: a\0b\r\n\r\n', 400],
      DEL: ['GET / HTTP/1.1\r\nHost: h\r\nX: a\x7fb\r\n\r\n', 400],
      'no host': ['GET / HTTP/1.1\r\n\r\n', 400],
      'two hosts': ['GET / HTTP/1.1\r\nHost: a\r\nhOST: a\r\n\r\n', 400],
      'a host with a path': ['GET / HTTP/1.1\r\nHost: a/b\r\n\r\n', 400],
      'a host with a port of other than digits': ['GET / HTTP/1.1\r\nHost: a:80x\r\n\r\n', 400],
      'an address without an end': ['GET / HTTP/1.1\r\nHost: [::1\r\n\r\n', 400],
      'a URL with a name of a user': ['GET http://a@b/ HTTP/1.1\r\nHost: b\r\n\r\n', 400],
      'all of a server, to be got': ['GET * HTTP/1.1\r\nHost: h\r\n\r\n', 400],
      'two lengths': ['POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 4\r\nContent-Length: 4\r\n\r\n', 400],
      'a list of lengths': ['POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 4, 4\r\n\r\n', 400],
      'a signed length': ['POST / HTTP/1.1\r\nHost: h\r\nContent-Length: +4\r\n\r\n', 400],
      'a hexadecimal length': ['POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 0x4\r\n\r\n', 400],
      'no length in its field': ['POST / HTTP/1.1\r\nHost: h\r\nContent-Length:\r\n\r\n', 400],
      'a length beyond counting': ['POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 99999999999999999999\r\n\r\n', 400],
      'length and chunks': [
        'POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 4\r\nTransfer-Encoding: chunked\r\n\r\n',
        400,
      ],
      'chunks twice': [
        'POST / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n\r\n',
        400,
      ],
      'another coding': ['POST / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: gzip, chunked\r\n\r\n', 501],
      'an empty coding': ['POST / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding:\r\n\r\n', 501],
      'chunks in HTTP/1.0': ['POST / HTTP/1.0\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n', 400],
      'a tunnel': ['CONNECT a:1 HTTP/1.1\r\nHost: a:1\r\n\r\n', 405],
    }

    const statuses = Object.entries(faults).map(([name, [text]]) => [name, statusOf(text)])

    assert.deepEqual(
      statuses,
      Object.entries(faults).map(([name, [, status]]) => [name, status]),
    )
  })
})
