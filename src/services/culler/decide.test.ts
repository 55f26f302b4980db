import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import fc from 'fast-check'
import { decideServer, decideUser, mayBeDue, type ServerReport } from './decide.ts'

const HOUR = 3600
const limits = { idleTimeout: HOUR, maxAge: 24 * HOUR }
const idle = { kind: 'status', kernels: 1, busy: 0, connections: 1, terminals: 0, idleSeconds: HOUR } as const

/** report, age in hours, idle by the hub in hours, what becomes of it. */
const table: readonly [string, ServerReport, number | undefined, number | undefined, string][] = [
  ['idle for the whole limit', idle, 2, 2, 'idle'],
  ['idle though an open tab makes the proxy see traffic', { ...idle, connections: 3 }, 2, 0, 'idle'],
  ['used a moment ago, though the hub has not heard of it', { ...idle, idleSeconds: 5 }, 2, 2, 'active'],
  ['a busy kernel, however old its last message', { ...idle, busy: 1, idleSeconds: 9 * HOUR }, 2, 9, 'busy'],
  ['a busy kernel past the age', { ...idle, busy: 1 }, 90, 9, 'busy'],
  ['in use past the age', { ...idle, idleSeconds: 0 }, 24, 0, 'age'],
  ['no start on record, in use', { ...idle, idleSeconds: 0 }, undefined, 0, 'active'],
  ['no start on record, idle', idle, undefined, 0, 'idle'],
  ['another program, idle by the hub', { kind: 'no-status-api' }, 2, 1, 'idle'],
  ['another program, in use', { kind: 'no-status-api' }, 2, 0.5, 'active'],
  ['another program, past the age', { kind: 'no-status-api' }, 24, 0, 'age'],
  ['another program, and the hub has not watched', { kind: 'no-status-api' }, 2, undefined, 'unclear'],
  ['silent, idle by the hub', { kind: 'silent' }, 2, 1, 'idle'],
  ['silent, in use by the hub', { kind: 'silent' }, 2, 0.5, 'active'],
  ['silent, past the age: its kernels may be busy', { kind: 'silent' }, 48, 0.5, 'unclear'],
  ['silent, and the hub has not watched', { kind: 'silent' }, 2, undefined, 'unclear'],
  ['an answer that tells nothing', { kind: 'unclear', why: '503' }, 48, 48, 'unclear'],
]

describe('rules for servers', () => {
  for (const [title, report, age, hubIdle, expected] of table) {
    it(`${title}: ${expected}`, () => {
      const hours = (value: number | undefined) => (value === undefined ? undefined : value * HOUR)

      const decision = decideServer({ report, ageSeconds: hours(age), hubIdleSeconds: hours(hubIdle) }, limits)

      assert.equal(decision.cull ?? decision.keep, expected)
    })
  }

  const seconds = fc.nat({ max: 30 * 24 * HOUR })
  const known = fc.option(seconds, { nil: undefined })
  const anyLimits = fc.record({ idleTimeout: seconds, maxAge: seconds })
  const status = fc.record({
    kind: fc.constant('status' as const),
    kernels: fc.nat({ max: 9 }),
    busy: fc.nat({ max: 9 }),
    connections: fc.nat({ max: 9 }),
    terminals: fc.nat({ max: 9 }),
    idleSeconds: seconds,
  })
  const report: fc.Arbitrary<ServerReport> = fc.oneof(
    status,
    fc.constantFrom<ServerReport>({ kind: 'no-status-api' }, { kind: 'silent' }, { kind: 'unclear', why: '403' }),
  )
  const facts = fc.record({ report, ageSeconds: known, hubIdleSeconds: known })

  it('never stop a busy kernel, nor a server that does not tell', () => {
    fc.assert(
      fc.property(facts, anyLimits, (given, some) => {
        const { cull } = decideServer(given, some)
        const isBusy = given.report.kind === 'status' && given.report.busy > 0
        assert.ok(!(cull && (isBusy || given.report.kind === 'unclear')))
      }),
    )
  })

  it('stop nothing without a limit, and nothing before it is reached', () => {
    fc.assert(
      fc.property(facts, anyLimits, (given, some) => {
        const decision = decideServer(given, some)
        if (decision.cull === 'idle') assert.ok(some.idleTimeout > 0 && decision.idleSeconds >= some.idleTimeout)
        if (decision.cull === 'age') assert.ok(some.maxAge > 0 && decision.ageSeconds >= some.maxAge)
      }),
    )
  })

  it('do not look at how many tabs are open', () => {
    fc.assert(
      fc.property(status, known, known, anyLimits, fc.nat(), (told, ageSeconds, hubIdleSeconds, some, connections) => {
        const times = { ageSeconds, hubIdleSeconds }
        assert.deepEqual(
          decideServer({ report: { ...told, connections }, ...times }, some),
          decideServer({ report: told, ...times }, some),
        )
      }),
    )
  })

  it('ask no server that is younger than its limits, and every other one', () => {
    assert.equal(mayBeDue(HOUR - 1, limits), false)
    assert.equal(mayBeDue(HOUR, limits), true)
    assert.equal(mayBeDue(undefined, limits), true)
    assert.equal(mayBeDue(HOUR, { idleTimeout: 0, maxAge: 0 }), false)
  })
})

describe('rules for users', () => {
  const user = { admin: false, activeServers: 0, idleSeconds: HOUR, ageSeconds: 2 * HOUR }

  it('delete nobody who has a server', () => {
    assert.equal(decideUser(user, limits, true), 'idle')
    assert.equal(decideUser({ ...user, activeServers: 1 }, limits, true), undefined)
  })

  it('delete administrators only when told to', () => {
    assert.equal(decideUser({ ...user, admin: true }, limits, false), undefined)
    assert.equal(decideUser({ ...user, admin: true }, limits, true), 'idle')
  })

  it('take somebody who never did anything for as idle as they are old', () => {
    assert.equal(decideUser({ ...user, idleSeconds: undefined }, limits, false), 'idle')
    assert.equal(decideUser({ ...user, idleSeconds: undefined, ageSeconds: undefined }, limits, false), undefined)
    assert.equal(decideUser({ ...user, idleSeconds: 1, ageSeconds: 24 * HOUR }, limits, false), 'age')
  })
})
