import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { HubError } from '../core/errors.ts'
import { type Check, defineCheck, ok, type Site } from './check.ts'
import { runChecks } from './run-checks.ts'

const site = {} as Site // these checks look at nothing
const items = { one: 'Something.' }
const check = (id: string, run: Check['run'], more: Partial<Check> = {}) =>
  defineCheck({ id, title: id, items, ...more, run: run as never })

describe('running checks', () => {
  it('gives what each has found, in the order of the checks', async () => {
    const slow = check('slow', async () => {
      await sleep(20)
      return [ok('one', 'It is slow.')]
    })

    const found = await runChecks([slow, check('quick', async () => [ok('one', 'It is quick.')])], site)

    assert.deepEqual(
      found.map(({ check, message }) => `${check}: ${message}`),
      ['slow: It is slow.', 'quick: It is quick.'],
    )
  })

  it('makes a failure of what is thrown, and of what takes too long', async () => {
    const known = check('known', async () => {
      throw new HubError('port_taken', { status: 503, message: 'It is taken.', nextStep: 'Take another.' })
    })
    const unknown = check('unknown', async () => {
      throw new TypeError('nobody foresaw this')
    })
    const hanging = check('hanging', () => new Promise(() => setTimeout(() => {}, 200)), { timeoutMs: 30 })

    const found = await runChecks([known, unknown, hanging], site)

    assert.deepEqual(
      found.map(({ check, item, level }) => [check, item, level]),
      [
        ['known', 'check', 'failure'],
        ['unknown', 'check', 'failure'],
        ['hanging', 'time', 'failure'],
      ],
    )
    assert.equal(found[0]?.nextStep, 'Take another.')
    assert.match(found[1]!.message, /nobody foresaw this/)
  })

  it('runs those alone that change who this process is', async () => {
    const going = new Set<string>()
    const together: string[] = []
    const noting = (id: string, alone: boolean) =>
      check(
        id,
        async () => {
          together.push(...[...going].map(other => `${other} and ${id}`))
          going.add(id)
          await sleep(10)
          going.delete(id)
          return []
        },
        { alone },
      )

    await runChecks([noting('a', false), noting('b', true), noting('c', false)], site)

    assert.deepEqual(together, ['a and c'])
  })
})
