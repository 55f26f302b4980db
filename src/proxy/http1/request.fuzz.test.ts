/** Whatever this parser accepts, Node's own (strict) parser accepts, too, and reads the same out of it. */
import assert from 'node:assert/strict'
import { duplexPair } from 'node:stream'
import { after, describe, it } from 'node:test'
import fc from 'fast-check'
import { http } from '../../http/node-http.ts'
import { ChunkScanner } from './chunk-scanner.ts'
import { HeadFault, parseRequestHead } from './request-head.ts'

interface Reading {
  readonly method: string
  readonly target: string
  readonly host: string | undefined
  /** End-to-end fields, in order, as `name:value`. */
  readonly fields: readonly string[]
  readonly body: string
}

const NOT_COMPARED = new Set([
  'connection',
  'keep-alive',
  'proxy-connection',
  'te',
  'transfer-encoding',
  'upgrade',
  'http2-settings',
  'host',
  'trailer',
])

/** With the length of the message; undefined for what is refused or incomplete. */
function ownReading(bytes: Buffer): { reading: Reading; length: number } | undefined {
  const parsed = parseRequestHead(bytes, 0, bytes.length, { takeForwarded: false, replaced: undefined })
  if (!parsed || parsed instanceof HeadFault) return undefined
  const { head, end } = parsed
  let body = ''
  let length = end
  if (head.body === 'length') {
    length = end + head.contentLength
    if (bytes.length < length) return undefined
    body = bytes.toString('latin1', end, length)
  } else if (head.body === 'chunked') {
    const scanner = new ChunkScanner({ bare: true })
    const piece = (from: Buffer, start: number, stop: number) => {
      body += from.toString('latin1', start, stop)
    }
    const bodyEnd = scanner.scan(bytes, end, bytes.length, { piece })
    if (bodyEnd instanceof HeadFault || !scanner.done) return undefined
    length = bodyEnd
  }
  const fields = head.lines
    .split('\r\n')
    .filter(line => line !== '')
    .map(line => {
      const colon = line.indexOf(':')
      return { name: line.slice(0, colon), value: line.slice(colon + 1).replace(/^[ \t]+|[ \t]+$/g, '') }
    })
    .filter(({ name }) => !NOT_COMPARED.has(name.toLowerCase()))
    .map(({ name, value }) => `${name}:${value}`)
  return { reading: { method: head.method, target: head.target, host: head.host, fields, body }, length }
}

const judge = http.createServer({ insecureHTTPParser: false, maxHeaderSize: 64 * 1024, requireHostHeader: true })
judge.maxHeadersCount = 0

/** Undefined for what is refused. */
async function nodeReading(bytes: Buffer): Promise<Reading | undefined> {
  const { promise, resolve } = Promise.withResolvers<Reading | undefined>()
  const [client, server] = duplexPair()
  client.resume()
  for (const stream of [client, server]) stream.on('error', () => resolve(undefined))
  server.on('close', () => resolve(undefined))
  const read = (req: import('node:http').IncomingMessage) => {
    if (req.socket !== (server as unknown)) return // another round's
    let body = ''
    req.setEncoding('latin1')
    req.on('data', chunk => {
      body += chunk
    })
    req.on('error', () => resolve(undefined))
    req.on('end', () => {
      const fields: string[] = []
      for (let i = 0; i < req.rawHeaders.length; i += 2) {
        const [name, value] = [req.rawHeaders[i]!, req.rawHeaders[i + 1]!]
        if (!NOT_COMPARED.has(name.toLowerCase())) fields.push(`${name}:${value}`)
      }
      resolve({ method: req.method!, target: req.url!, host: req.headers.host, fields, body })
      server.destroy()
    })
  }
  judge.on('request', read)
  judge.on('checkContinue', read)
  judge.on('checkExpectation', read)
  judge.on('upgrade', read)
  judge.emit('connection', server)
  client.write(bytes)
  client.end()
  const reading = await promise
  for (const event of ['request', 'checkContinue', 'checkExpectation', 'upgrade']) judge.off(event, read)
  client.destroy()
  server.destroy()
  return reading
}
judge.on('clientError', (_error, socket) => socket.destroy())

const oneOf = (...texts: string[]) => fc.constantFrom(...texts)
const anyByte = fc.integer({ min: 0, max: 255 }).map(byte => String.fromCharCode(byte))

const lineEnd = fc.oneof({ weight: 30, arbitrary: fc.constant('\r\n') }, oneOf('\n', '\r', '\r\r\n', ' \r\n', '\n\r\n'))
const requestLine = fc
  .tuple(
    oneOf('GET', 'POST', 'PUT', 'HEAD', 'OPTIONS', 'M-SEARCH', 'get', 'G@T', 'PRI', 'QUERY', 'SOURCE', 'DESCRIBE', ''),
    fc.oneof(
      {
        weight: 4,
        arbitrary: oneOf('/', '/a?b=c', '*', 'http://h/x', '/%ff', '//x', 'x', '/ü', '/a#b', 'ftp://h', '?'),
      },
      fc.tuple(fc.constant('/'), anyByte).map(parts => parts.join('')),
    ),
    oneOf('HTTP/1.1', 'HTTP/1.1', 'HTTP/1.1', 'HTTP/1.0', 'HTTP/1.2', 'HTTP/2.0', 'http/1.1', 'HTTP/1.11', 'HTTP/01.1'),
  )
  .map(parts => parts.join(' '))
const field = fc.oneof(
  oneOf(
    'Host: h',
    'host:h',
    'Host: a:1',
    'Host: [::1]:8',
    'Host : h',
    'Host: a b',
    'Host:',
    'X-A: b',
    'Cookie: a=b; c',
  ),
  oneOf('Content-Length: 3', 'content-length:3', 'Content-Length: 03', 'Content-Length: 3,3', 'Content-Length: 0'),
  oneOf('Content-Length: +3', 'Content-Length: 3 3', 'Content-Length:\t3 ', 'Content-Length: 99999999999999999999'),
  oneOf('Transfer-Encoding: chunked', 'Transfer-Encoding: CHUNKED', 'Transfer-Encoding: x, chunked', 'TE: trailers'),
  oneOf(
    'Transfer-Encoding: xchunked',
    'Transfer-Encoding:',
    'Transfer-Encoding: chunked ',
    'Transfer_Encoding: chunked',
  ),
  oneOf(
    'Connection: close',
    'Connection: x-other',
    'Connection: keep-alive',
    'Expect: 100-continue',
    'Trailer: X',
    ' folded',
  ),
  fc.tuple(oneOf('X-A: ', 'X', '', 'X-\u00e9', 'X-A:'), anyByte, oneOf('', ': y', 'z')).map(parts => parts.join('')),
)
const body = oneOf(
  '',
  'abc',
  '3\r\nabc\r\n0\r\n\r\n',
  '3;x=y\r\nabc\r\n0\r\n\r\n',
  '3;x="y"\r\nabc\r\n0\r\n\r\n',
  '3;x="y;\r\nabc\r\n0\r\n\r\n',
  '3 \r\nabc\r\n0\r\n\r\n',
  '03\r\nabc\r\n00\r\n\r\n',
  '3\r\nabc\r\n0\r\nX: y\r\n\r\n',
  '3\r\nabc\r\n0\r\nX: y\r\n\r\nrest',
  '3\r\nabc0\r\n\r\n',
  '3\nabc\r\n0\r\n\r\n',
  '0\r\n\r\n',
  '0\n\n',
)
/** Mostly something sensible, so that a good part of it is accepted. */
const sensible = fc.oneof(
  { weight: 3, arbitrary: fc.constant('GET / HTTP/1.1\r\nHost: h\r\n') },
  { weight: 2, arbitrary: fc.constant('POST /a HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n') },
  { weight: 1, arbitrary: requestLine.map(line => `${line}\r\nHost: h\r\n`) },
  { weight: 1, arbitrary: requestLine.map(line => `${line}\r\n`) },
)
const message = fc
  .tuple(oneOf('', '', '', '\r\n'), sensible, fc.array(fc.tuple(field, lineEnd), { maxLength: 4 }), lineEnd, body)
  .map(([before, start, fields, end, rest]) => before + start + fields.flat().join('') + end + rest)
const mutation = fc.option(fc.tuple(fc.nat(), anyByte), { freq: 3 })

describe('the parser of requests', () => {
  after(() => judge.close())

  it('reads nothing that Node does not read, and nothing differently', async () => {
    let accepted = 0
    await fc.assert(
      fc.asyncProperty(message, mutation, async (text, change) => {
        const bytes = Buffer.from(text, 'latin1')
        if (change && bytes.length > 0) bytes[change[0] % bytes.length] = change[1].charCodeAt(0)
        const own = ownReading(bytes)
        if (!own) return
        accepted++
        assert.deepEqual(await nodeReading(bytes.subarray(0, own.length)), own.reading)
      }),
      { numRuns: Number(process.env.ORRERY_FUZZ_RUNS ?? 5000) },
    )
    assert.ok(accepted > 200, `only ${accepted} messages were accepted; the comparison says little`)
  })
})
