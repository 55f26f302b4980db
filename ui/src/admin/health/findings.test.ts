import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import type { HealthLevel, HealthReport } from '../../api/types.ts'
import { checkedParts, verdict } from './findings.ts'

const report = (...found: [check: string, level: HealthLevel][]): HealthReport => ({
  at: '2026-11-22T12:00:00.000Z',
  ok: !found.some(([, level]) => level === 'failure'),
  counts: {
    ok: 0,
    skipped: found.filter(([, level]) => level === 'skipped').length,
    warning: found.filter(([, level]) => level === 'warning').length,
    failure: found.filter(([, level]) => level === 'failure').length,
  },
  findings: found.map(([check, level], at) => ({
    check,
    title: check.toUpperCase(),
    item: `${at}`,
    level,
    message: '',
    next_step: null,
  })),
})

describe('findings on the page', () => {
  it('begin with the parts that need somebody; the others stay in their order', () => {
    const parts = checkedParts(
      report(['a', 'ok'], ['b', 'skipped'], ['c', 'ok'], ['c', 'warning'], ['d', 'failure'], ['e', 'ok']),
    )

    assert.deepEqual(
      parts.map(({ check, level }) => `${check} ${level}`),
      ['d failure', 'c warning', 'a ok', 'b skipped', 'e ok'],
    )
    assert.deepEqual(
      parts[1]!.findings.map(({ level }) => level),
      ['warning', 'ok'],
    )
  })

  it('are summed up in a sentence', () => {
    assert.equal(verdict(report(['a', 'ok'])), 'All is well.')
    assert.match(verdict(report(['a', 'ok'], ['b', 'skipped'])), /^Nothing wrong was found; 1 thing could not/)
    assert.equal(verdict(report(['a', 'warning'])), '1 warning.')
    assert.equal(verdict(report(['a', 'failure'], ['b', 'failure'], ['b', 'warning'])), '2 failures and 1 warning.')
  })
})
