import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { limitedQueue, oneAtATime } from './one-at-a-time.ts'

describe('tasks of one name', () => {
  it('run one after the other, also after a failure', async () => {
    const inTurn = oneAtATime()
    const order: string[] = []
    const task = (name: string, fails = false) =>
      inTurn('same', async () => {
        order.push(`${name} begins`)
        await Promise.resolve()
        order.push(`${name} ends`)
        if (fails) throw new Error(name)
      })

    await Promise.allSettled([task('a', true), task('b'), task('c')])

    assert.deepEqual(order, ['a begins', 'a ends', 'b begins', 'b ends', 'c begins', 'c ends'])
  })
})

describe('a limited queue', () => {
  it('runs as many as it may, lets some wait and turns the rest away', async () => {
    const queue = limitedQueue(2, 1)
    const gates = [0, 1, 2].map(() => Promise.withResolvers<void>())
    const begun: number[] = []
    const task = (number: number) =>
      queue(async () => {
        begun.push(number)
        await gates[number]!.promise
      })

    const accepted = [task(0), task(1), task(2)]
    assert.equal(task(3), undefined)
    assert.deepEqual(begun, [0, 1])
    gates[0]!.resolve()
    await accepted[0]
    assert.deepEqual(begun, [0, 1, 2])
    for (const gate of gates) gate.resolve()
    await Promise.all(accepted)

    await queue(async () => void begun.push(4))
    assert.equal(begun.at(-1), 4)
  })
})
