/**
 * Random responses, damaged in random places, through the proxy and straight to Node's strict client, which is the judge:
 * what reaches the client is what the judge reads, or a 5xx of the proxy, or visibly broken off.
 */
import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import fc from 'fast-check'
import { startTestProxy } from '../../../src/proxy/testing/running-proxy.ts'
import { connectRaw, startRawServer } from '../../../src/proxy/testing/sockets.ts'
import { until } from '../../support/until.ts'
import { damaged } from './damaged.ts'
import { readStrictly, type StrictReading } from './strict-client.ts'

const RUNS = Number(process.env.ORRERY_TEST_FUZZ_RUNS ?? 400)

const word = fc.stringMatching(/^[a-z0-9]{0,20}$/)
const field = fc.oneof(
  fc
    .tuple(fc.stringMatching(/^[A-Za-z]{1,6}$/), fc.stringMatching(/^[\x21-\x7e]{0,10}$/))
    .map(([name, text]) => `X-${name}: ${text}`),
  fc.constantFrom(
    'Connection: close',
    'Connection: keep-alive',
    'Content-Length: 3',
    'Transfer-Encoding: chunked',
    'Set-Cookie: a=b',
  ),
)
const framed = fc.oneof(
  word.map(text => ['', text]), // until the end of the connection
  word.map(text => [`Content-Length: ${text.length}\r\n`, text]),
  fc
    .tuple(fc.array(word.filter(Boolean), { maxLength: 3 }), fc.constantFrom('', 'X-Sum: 1\r\n'))
    .map(([pieces, trailers]) => [
      'Transfer-Encoding: chunked\r\n',
      `${pieces.map(piece => `${piece.length.toString(16)}\r\n${piece}\r\n`).join('')}0\r\n${trailers}\r\n`,
    ]),
)
const response = fc
  .tuple(
    fc.constantFrom(
      'HTTP/1.1 200 OK',
      'HTTP/1.1 404 Not Found',
      'HTTP/1.1 204 No',
      'HTTP/1.1 304 Not',
      'HTTP/1.0 200 OK',
      'HTTP/1.1 500',
    ),
    fc.array(field, { maxLength: 3 }),
    framed,
  )
  .map(
    ([line, fields, [framing, content]]) =>
      `${line}\r\n${fields.map(text => `${text}\r\n`).join('')}${framing}\r\n${content}`,
  )
describe('responses at random', () => {
  it('reach the client as the judge reads them, or not at all', { timeout: 300_000 }, async () => {
    let bytes = ''
    await using upstream = await startRawServer(socket => {
      socket.once('data', () => socket.end(Buffer.from(bytes, 'latin1')))
    })
    await using proxy = await startTestProxy({ '/': upstream.url })
    let [passed, understood] = [0, 0]

    await fc.assert(
      fc.asyncProperty(damaged(response), fc.constantFrom('GET', 'HEAD'), async (sent, method) => {
        bytes = sent
        const expected = await readStrictly(bytes, method).catch(() => undefined)
        await using connection = connectRaw(proxy.port, `${method} / HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n`)
        await until('the end of the response', () => connection.ended || connection.closed, 3000)
        const text = connection.received
        await until('the upstream socket to close', () => upstream.sockets.size === 0, 3000)

        const got = text === '' ? undefined : await readStrictly(text, method)
        if (expected?.complete) understood++
        assert.ok(!got?.faulty, `sent to the client: ${JSON.stringify(text)}`)
        if (!got?.complete || isOwnPage(got)) return
        passed++
        // What follows a response may be refused by the judge; it is not the client's business.
        if (expected?.faulty) assert.equal(got.status, expected.status)
        else assert.deepEqual(meaningOf(got), expected && meaningOf(expected))
      }),
      { numRuns: RUNS, interruptAfterTimeLimit: 120_000, markInterruptAsFailure: true },
    )

    assert.ok(passed > understood / 2, `${passed} of ${understood} responses were passed on: it refuses what is right`)
  })
})

/** The proxy's answer when it cannot pass on the upstream's. */
const isOwnPage = ({ status, headers }: StrictReading) =>
  status >= 502 && status <= 504 && /^text\/html/.test(headers['content-type'] ?? '')

function meaningOf({ status, body, complete, headers }: StrictReading) {
  const own = Object.entries(headers).filter(([name]) => /^(x-|set-cookie)/.test(name))
  return { status, body, complete, fields: Object.fromEntries(own.sort()) }
}
