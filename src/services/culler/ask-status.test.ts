import assert from 'node:assert/strict'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { describe, it } from 'node:test'
import fc from 'fast-check'
import { askStatus } from './ask-status.ts'

type Answers = Readonly<Record<string, { status?: number; body: unknown; date?: string } | 'silence'>>

/** A server with these answers, and what was asked of it. */
async function withServer(answers: Answers, { timeoutMs = 5_000 } = {}) {
  const asked: string[] = []
  const server = createServer((request, response) => {
    asked.push(`${request.url} ${request.headers.authorization}`)
    const path = request.url!.replace('/user/alice/', '').split('?')[0]!
    const answer = answers[path] ?? { status: 404, body: {} }
    if (answer === 'silence') return
    response.writeHead(answer.status ?? 200, answer.date ? { Date: answer.date } : {})
    response.end(typeof answer.body === 'string' ? answer.body : JSON.stringify(answer.body))
  })
  await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve))
  const { port } = server.address() as AddressInfo // listens on TCP
  try {
    const report = await askStatus({
      address: { proto: 'http', host: '127.0.0.1', port },
      prefix: '/user/alice/',
      token: 'secret',
      timeoutMs,
      signal: new AbortController().signal,
      now: () => new Date(),
    })
    return { report, asked }
  } finally {
    server.closeAllConnections()
    server.close()
  }
}

const NOON = 'Wed, 04 Mar 2026 12:00:00 GMT'
const status = {
  date: NOON,
  body: { started: '2026-03-04T08:00:00Z', last_activity: '2026-03-04T10:00:00.123456Z', kernels: 1, connections: 2 },
}
const kernel = (state: string, at = '2026-03-04T10:00:00Z') => ({ id: 'k', execution_state: state, last_activity: at })

describe('the question to a server', () => {
  it('is asked with the token, and is no activity', async () => {
    const { asked } = await withServer({ 'api/status': status, 'api/kernels': { body: [] } })

    assert.deepEqual(asked.sort(), [
      '/user/alice/api/kernels?no_track_activity=1 token secret',
      '/user/alice/api/status token secret',
      '/user/alice/api/terminals?no_track_activity=1 token secret',
    ])
  })

  it("goes by the server's own clock", async () => {
    const { report } = await withServer({ 'api/status': status, 'api/kernels': { body: [kernel('idle')] } })

    assert.deepEqual(report, {
      kind: 'status',
      kernels: 1,
      busy: 0,
      connections: 2,
      terminals: 0,
      idleSeconds: 7199.877,
    })
  })

  it('counts the latest of kernels and terminals', async () => {
    const { report } = await withServer({
      'api/status': status,
      'api/kernels': { body: [kernel('idle', '2026-03-04T11:00:00Z'), kernel('starting')] },
      'api/terminals': { body: [{ name: '1', last_activity: '2026-03-04T11:59:00Z' }] },
    })

    assert.partialDeepStrictEqual(report, { kernels: 2, busy: 0, terminals: 1, idleSeconds: 60 })
  })

  it('takes a kernel for busy that does not say that it rests', async () => {
    const resting = ['idle', 'starting', 'restarting', 'autorestarting', 'terminating', 'dead']
    const states = fc.oneof(fc.constantFrom('busy', 'idle', 'starting', 'unknown'), fc.string(), fc.constant(undefined))
    await fc.assert(
      fc.asyncProperty(fc.array(states, { maxLength: 4 }), async all => {
        const { report } = await withServer({
          'api/status': status,
          'api/kernels': { body: all.map(state => ({ execution_state: state })) },
        })
        assert.partialDeepStrictEqual(report, { busy: all.filter(state => !resting.includes(state ?? '')).length })
      }),
      { numRuns: 30 },
    )
  })

  const cases: readonly [string, Answers, string][] = [
    ['a program without the API', {}, 'no-status-api'],
    ['a program that leads to a login', { 'api/status': { status: 302, body: '' } }, 'no-status-api'],
    ['a program with one page for all paths', { 'api/status': { body: '<html>' } }, 'no-status-api'],
    ['a status of another shape', { 'api/status': { body: { ok: true } } }, 'no-status-api'],
    ['a refusal', { 'api/status': { status: 403, body: {} } }, 'unclear'],
    ['a fault', { 'api/status': { status: 503, body: {} } }, 'unclear'],
    ['kernels that are kept secret', { 'api/status': status, 'api/kernels': { status: 403, body: {} } }, 'unclear'],
    ['kernels that are no list', { 'api/status': status, 'api/kernels': { body: {} } }, 'unclear'],
    [
      'terminals that fail',
      { 'api/status': status, 'api/kernels': { body: [] }, 'api/terminals': { status: 500, body: {} } },
      'unclear',
    ],
  ]
  for (const [title, answers, kind] of cases) {
    it(`takes ${title} for ${kind}`, async () => {
      assert.equal((await withServer(answers)).report.kind, kind)
    })
  }

  it('takes no answer for silence, and half of one for unclear', async () => {
    const patience = { timeoutMs: 100 }
    assert.equal((await withServer({ 'api/status': 'silence' }, patience)).report.kind, 'silent')
    const half = await withServer({ 'api/status': status, 'api/kernels': 'silence' }, patience)
    assert.equal(half.report.kind, 'unclear')
  })
})
