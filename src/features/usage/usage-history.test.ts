import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { type SeenServer, usageHistory } from './usage-history.ts'

const at = (second: number) => new Date(Date.UTC(2026, 0, 1, 0, 0, second))
const seen = (user: string, memoryBytes: number, cpuSeconds: number, run = 'first'): SeenServer => ({
  key: { user, server: '' },
  run,
  usage: { memoryBytes, cpuSeconds, memoryLimitBytes: 1000 },
})
const cpus = (history: ReturnType<typeof usageHistory>, user: string) =>
  history
    .ofUser(user)
    .get('')
    ?.points.map(({ cpu }) => cpu)

describe('the history of usage', () => {
  it('tells processors from the time used between two looks', () => {
    const history = usageHistory(60)

    history.add(at(0), [seen('ada', 100, 5)])
    history.add(at(10), [seen('ada', 300, 20)])

    assert.deepEqual(cpus(history, 'ada'), [undefined, 1.5])
    assert.partialDeepStrictEqual(history.ofUser('ada').get('')?.latest, { memoryBytes: 300, memoryLimitBytes: 1000 })
  })

  it('never tells less than nothing, though a process took its time with it', () => {
    const history = usageHistory(60)

    history.add(at(0), [seen('ada', 100, 50)])
    history.add(at(10), [seen('ada', 100, 20)])

    assert.deepEqual(cpus(history, 'ada'), [undefined, 0])
  })

  it('begins anew with each run of a server', () => {
    const history = usageHistory(60)

    history.add(at(0), [seen('ada', 100, 50)])
    history.add(at(10), [seen('ada', 10, 1, 'second')])

    assert.deepEqual(cpus(history, 'ada'), [undefined])
  })

  it('forgets who does not run any more, and keeps so many points and no more', () => {
    const history = usageHistory(3)

    for (let second = 0; second < 100; second += 10)
      history.add(at(second), [seen('ada', second, 0), seen('bob', 1, 0)])
    history.add(at(100), [seen('ada', 100, 0)])

    assert.deepEqual(
      history.all().map(({ key, points }) => [key.user, points.map(({ memoryBytes }) => memoryBytes)]),
      [['ada', [80, 90, 100]]],
    )
    assert.equal(history.ofUser('bob').size, 0)
  })
})
