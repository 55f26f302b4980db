import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { HeadFault } from './request-head.ts'
import { parseResponseHead, type ResponseHead } from './response-head.ts'

function parse(text: string, method = 'GET') {
  const bytes = Buffer.from(text, 'latin1')
  return parseResponseHead(bytes, 0, bytes.length, method)
}

function headOf(text: string, method = 'GET'): ResponseHead {
  const parsed = parse(text, method)
  if (!parsed || parsed instanceof HeadFault) assert.fail(`no head: ${parsed?.reason}`)
  return parsed.head
}

describe('the head of a response', () => {
  it('keeps the fields for the client as they were written, and no others', () => {
    const head = headOf(
      'HTTP/1.1 418 I am a teapot\r\nDate: d\r\nConnection: X-Private, keep-alive\r\nX-Private: 1\r\nSet-Cookie: a\r\nSet-Cookie: b\r\nKeep-Alive: timeout=1\r\nContent-Length: 4\r\n\r\n',
    )

    assert.deepEqual([head.status, head.reason, head.hasDate, head.keepAlive], [418, 'I am a teapot', true, true])
    assert.equal(head.lines, 'Date: d\r\nSet-Cookie: a\r\nSet-Cookie: b\r\nContent-Length: 4\r\n')
  })

  it('knows how the body ends', () => {
    const bodyOf = (head: string, method?: string) => headOf(`HTTP/1.1 ${head}\r\n\r\n`, method).body

    assert.equal(bodyOf('200 OK\r\nContent-Length: 4'), 'length')
    assert.equal(bodyOf('200 OK\r\nContent-Length: 0'), 'none')
    assert.equal(bodyOf('200 OK\r\nTransfer-Encoding: Chunked'), 'chunked')
    assert.equal(bodyOf('200 OK'), 'close')
    assert.equal(bodyOf('204 No Content\r\nContent-Length: 4'), 'none')
    assert.equal(bodyOf('304 Not Modified\r\nContent-Length: 4'), 'none')
    assert.equal(bodyOf('200 OK\r\nTransfer-Encoding: chunked', 'HEAD'), 'none')
    assert.equal(bodyOf('200 OK\r\nContent-Length: 4', 'HEAD'), 'none')
  })

  it('takes a status without a reason, and keeps no connection of HTTP/1.0 that does not offer it', () => {
    assert.deepEqual([headOf('HTTP/1.1 200\r\n\r\n').reason, headOf('HTTP/1.1 200 \r\n\r\n').reason], ['', ''])
    assert.equal(headOf('HTTP/1.0 200 OK\r\nContent-Length: 1\r\n\r\n').keepAlive, false)
    assert.equal(headOf('HTTP/1.0 200 OK\r\nContent-Length: 1\r\nConnection: keep-alive\r\n\r\n').keepAlive, true)
  })

  it('waits for what is missing, wherever the bytes end', () => {
    const text = 'HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n'

    for (let length = 0; length < text.length; length++) assert.equal(parse(text.slice(0, length)), undefined)
  })

  it('refuses what two clients could read differently', () => {
    const heads = {
      'another protocol': 'SSH-2.0-OpenSSH_9.9\r\n',
      'HTTP/2': 'HTTP/2.0 200 OK\r\n\r\n',
      'a status of two digits': 'HTTP/1.1 20 OK\r\n\r\nxxxx',
      'a bare LF': 'HTTP/1.1 200 OK\nContent-Length: 4\n\n',
      'a bare CR in the reason': 'HTTP/1.1 200 O\rK\r\n\r\n',
      'a folded value': 'HTTP/1.1 200 OK\r\nX: a\r\n b\r\n\r\n',
      'a control character': 'HTTP/1.1 200 OK\r\nX: a\x01b\r\n\r\n',
      'two lengths': 'HTTP/1.1 200 OK\r\nContent-Length: 4\r\nContent-Length: 5\r\n\r\n',
      'length and chunks': 'HTTP/1.1 200 OK\r\nContent-Length: 4\r\nTransfer-Encoding: chunked\r\n\r\n',
      'another coding': 'HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip\r\n\r\n',
      'chunks in HTTP/1.0': 'HTTP/1.0 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n',
    }

    for (const [name, text] of Object.entries(heads)) assert.ok(parse(text) instanceof HeadFault, name)
  })
})
