import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import fc from 'fast-check'
import { ChunkScanner } from './chunk-scanner.ts'
import { HeadFault } from './request-head.ts'

interface Scanned {
  readonly passed: string
  readonly trailers: string
  readonly done: boolean
  readonly fault: number | undefined
  /** What lies behind the body. */
  readonly rest: string
}

/** @param cuts where the bytes are cut into reads */
function scan(text: string, options: { bare?: boolean; cuts?: readonly number[] } = {}): Scanned {
  const scanner = new ChunkScanner({ bare: options.bare ?? false })
  let passed = ''
  const sink = {
    piece(bytes: Buffer, from: number, to: number) {
      passed += bytes.toString('latin1', from, to)
    },
  }
  const edges = [0, ...(options.cuts ?? []).map(cut => cut % (text.length + 1)).sort((a, b) => a - b), text.length]
  let fault: number | undefined
  let rest = ''
  for (let i = 1; i < edges.length; i++) {
    const bytes = Buffer.from(text.slice(edges[i - 1], edges[i]), 'latin1')
    if (scanner.done) {
      rest += bytes
      continue
    }
    const end = scanner.scan(bytes, 0, bytes.length, sink)
    if (end instanceof HeadFault) {
      fault = end.status
      break
    }
    rest += bytes.toString('latin1', end)
  }
  return { passed, trailers: scanner.trailers, done: scanner.done, fault, rest }
}

describe('a chunked body', () => {
  it('passes as it came, up to the last chunk', () => {
    assert.deepEqual(scan('5\r\nfirst\r\n06\r\nsecond\r\n0\r\n\r\nGET'), {
      passed: '5\r\nfirst\r\n06\r\nsecond\r\n',
      trailers: '',
      done: true,
      fault: undefined,
      rest: 'GET',
    })
  })

  it('is its content alone, bare', () => {
    assert.equal(scan('5\r\nfirst\r\n6\r\nsecond\r\n0\r\n\r\n', { bare: true }).passed, 'firstsecond')
  })

  it('loses its extensions', () => {
    assert.equal(scan('1;a=b;c="d\\"e"\r\nx\r\n2\r\nyz\r\n0;e\r\n\r\n').passed, '1\r\nx\r\n2\r\nyz\r\n')
  })

  it('gives trailers without those that would frame, route or authorize', () => {
    const { trailers, done } = scan('0\r\nX-Sum: 1\r\nContent-Length: 5\r\nCookie: c\r\nHost: h\r\nX-B: 2\r\n\r\n')

    assert.deepEqual([trailers, done], ['X-Sum: 1\r\nX-B: 2\r\n', true])
  })

  it('is refused when it is not chunked properly', () => {
    const bodies = {
      'no size': '\r\nx\r\n0\r\n\r\n',
      'a signed size': '-1\r\nx\r\n0\r\n\r\n',
      'a prefixed size': '0x1\r\nx\r\n0\r\n\r\n',
      'a blank before the size': ' 1\r\nx\r\n0\r\n\r\n',
      'a blank behind the size': '1 \r\nx\r\n0\r\n\r\n',
      'a size beyond counting': 'fffffffffffffffff\r\nx',
      'LF behind the size': '1\nx\r\n0\r\n\r\n',
      'CR behind the size': '1\rXx\r\n0\r\n\r\n',
      'more data than the size says': '1\r\nxy\r\n0\r\n\r\n',
      'LF behind the data': '1\r\nx\n0\r\n\r\n',
      'an extension with LF': '1;a\nb\r\nx\r\n0\r\n\r\n',
      'an extension without a name': '1;=b\r\nx\r\n0\r\n\r\n',
      'a folded trailer': '0\r\nX: a\r\n b\r\n\r\n',
      'a trailer with LF': '0\r\nX: a\n\r\n',
    }

    for (const [name, body] of Object.entries(bodies)) assert.equal(scan(body).fault, 400, name)
    assert.equal(scan(`1;${'a'.repeat(20_000)}`).fault, 413)
    assert.equal(scan(`0\r\nX: ${'a'.repeat(20_000)}`).fault, 431)
  })

  it('means the same wherever the reads are cut', () => {
    const chunk = fc
      .tuple(fc.string({ minLength: 1, maxLength: 20 }), fc.constantFrom('', '0', ';x', ';x=y'))
      .map(([data, extra]) => {
        const bytes = Buffer.from(data).toString('latin1')
        const size = bytes.length.toString(16)
        return extra === '0' ? `0${size}\r\n${bytes}\r\n` : `${size}${extra}\r\n${bytes}\r\n`
      })
    const body = fc
      .tuple(fc.array(chunk, { maxLength: 6 }), fc.constantFrom('', 'X-T: 1\r\n'))
      .map(([chunks, trailers]) => `${chunks.join('')}0\r\n${trailers}\r\nGET /`)

    fc.assert(
      fc.property(body, fc.array(fc.nat(), { maxLength: 12 }), (text, cuts) => {
        const whole = scan(text, { bare: true })
        const cut = scan(text, { bare: true, cuts })
        const framed = scan(text, { cuts })

        assert.deepEqual(cut, whole)
        assert.equal(whole.rest, 'GET /')
        // What is passed on is chunked properly again and has the same content.
        assert.equal(scan(`${framed.passed}0\r\n\r\n`, { bare: true }).passed, whole.passed)
        assert.deepEqual([framed.trailers, framed.rest], [whole.trailers, whole.rest])
      }),
    )
  })
})
