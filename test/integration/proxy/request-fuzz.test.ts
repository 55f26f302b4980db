/**
 * Random requests, damaged in random places, to the proxy and straight to `node:http`, which is the judge: whatever the
 * proxy sends on must be what the judge read in the same bytes. It may refuse more, but it may not understand anything else.
 *
 * `ORRERY_TEST_FUZZ_RUNS` sets how many.
 */
import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { isDeepStrictEqual } from 'node:util'
import fc from 'fast-check'
import { type RecordedRequest, type Recorder, startRecorder } from '../../../src/proxy/testing/recorder.ts'
import { startTestProxy } from '../../../src/proxy/testing/running-proxy.ts'
import { connectRaw } from '../../../src/proxy/testing/sockets.ts'
import { until } from '../../support/until.ts'
import { damaged } from './damaged.ts'

const RUNS = Number(process.env.ORRERY_TEST_FUZZ_RUNS ?? 400)
const LAST = 'GET /last HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n'
const QUIET_MS = 60

const token = fc.stringMatching(/^[A-Za-z][A-Za-z0-9-]{0,8}$/)
const value = fc.stringMatching(/^[\x21-\x7e\x80-\xff]([\t\x20-\x7e\x80-\xff]{0,12}[\x21-\x7e])?$/)
const field = fc.oneof(
  fc.tuple(token, value).map(([name, text]) => `X-${name}: ${text}`),
  fc.constantFrom(
    'Connection: keep-alive',
    'Connection: X--Private, close',
    'TE: trailers',
    'Accept: */*',
    'Cookie: a=b',
    'Expect: x',
  ),
  fc.constantFrom(
    'Content-Length: 0',
    'Content-Length: 3',
    'Transfer-Encoding: chunked',
    'Transfer-Encoding: gzip',
    'Host: i',
  ),
)
const target = fc
  .stringMatching(/^\/[a-z0-9_~%!$&'()*+,;=:@-]{0,12}(\?[a-z0-9/?=&-]{0,8})?$/)
  .filter(text => !/%(?![0-9a-f]{2})/.test(text))
const size = (body: string) => body.length.toString(16)
const body = fc.stringMatching(/^[a-z0-9]{0,20}$/)
const framed = fc.oneof(
  fc.constant(['', '']),
  body.map(text => [`Content-Length: ${text.length}\r\n`, text]),
  fc
    .tuple(
      fc.array(body.filter(Boolean), { maxLength: 3 }),
      fc.constantFrom('', 'X-Sum: 1\r\n'),
      fc.constantFrom('', ';a=b'),
    )
    .map(([pieces, trailers, extension]) => [
      'Transfer-Encoding: chunked\r\n',
      `${pieces.map(piece => `${size(piece)}${extension}\r\n${piece}\r\n`).join('')}0\r\n${trailers}\r\n`,
    ]),
)
const request = fc
  .tuple(
    fc.constantFrom('GET', 'POST', 'PUT', 'DELETE', 'HEAD', 'OPTIONS'),
    target,
    fc.array(field, { maxLength: 4 }),
    framed,
  )
  .map(
    ([method, path, fields, [framing, content]]) =>
      `${method} ${path} HTTP/1.1\r\nHost: h\r\n${fields.map(line => `${line}\r\n`).join('')}${framing}\r\n${content}`,
  )
const requests = fc.array(request, { minLength: 1, maxLength: 3 }).map(several => several.join(''))
const message = damaged(requests).map(bytes => bytes + LAST)

describe('requests at random', () => {
  it('mean behind the proxy what they mean to the judge', { timeout: 300_000 }, async () => {
    await using judge = await startRecorder()
    await using upstream = await startRecorder()
    await using proxy = await startTestProxy({ '/': upstream.url })
    let [forwarded, understood, run] = [0, 0, 0]

    await fc.assert(
      fc.asyncProperty(message, async sent => {
        // What was still on its way from the run before is told apart by its host.
        const host = `h${++run}`
        const bytes = sent.replaceAll('Host: h\r\n', `Host: ${host}\r\n`)
        judge.forget()
        upstream.forget()
        const meanings = (recorder: Recorder) =>
          recorder.requests.filter(({ headers }) => headers.host === host).map(meaningOf)
        await Promise.all([say(judge.port, bytes), say(proxy.port, bytes)])
        const agree = () => isDeepStrictEqual(meanings(upstream), inOrder(meanings(judge), meanings(upstream)))
        await until('the slower of both', agree, 1000).catch(() => {}) // told below
        const [expected, got] = [meanings(judge), meanings(upstream)]

        assert.deepEqual(upstream.faults, [], 'what was sent on is no HTTP')
        assert.deepEqual(got, inOrder(expected, got), 'the judge read something else')
        forwarded += got.length
        understood += expected.length
      }),
      { numRuns: RUNS, interruptAfterTimeLimit: 120_000, markInterruptAsFailure: true },
    )

    assert.ok(
      forwarded > understood / 2,
      `${forwarded} of ${understood} requests were sent on: it refuses what is right`,
    )
  })
})

/** Until the other side closes, or waits for more than there is. */
async function say(port: number, bytes: string): Promise<void> {
  await using connection = connectRaw(port, Buffer.from(bytes, 'latin1'))
  let [length, since] = [-1, 0]
  await until('the other side to close or fall silent', () => {
    if (connection.received.length !== length) [length, since] = [connection.received.length, Date.now()]
    return connection.ended || connection.closed || Date.now() - since > QUIET_MS
  })
}

/** Those of `all` that come in `some`, too, in their order. The proxy answers some by itself: those without a right path. */
function inOrder<T>(all: readonly T[], some: readonly T[]): T[] {
  let next = 0
  return all.filter(one => isDeepStrictEqual(one, some[next]) && ++next)
}

/** Fields that a proxy has to change are left out; it may forward repetitions joined or apart. */
function meaningOf({ method, url, headers, body: content, trailers }: RecordedRequest) {
  const own = Object.entries(headers).filter(([name]) => /^(x-(?!forwarded)|accept|cookie)/.test(name))
  // An empty query is none.
  return {
    method,
    url: url.replace(/\?$/, ''),
    body: content,
    fields: Object.fromEntries(own.sort()),
    trailers: { ...trailers },
  }
}
