import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { runMany } from './run-many.ts'

describe('doing one thing to many', () => {
  it('goes on after a failure and says which failed, in the order that was asked for', async () => {
    const outcome = await runMany(['a', 'b', 'c'], async name => {
      if (name === 'b') throw new Error('b is busy')
    })

    assert.deepEqual(outcome.done, ['a', 'c'])
    assert.deepEqual(
      outcome.failed.map(({ item, error }) => [item, error.message]),
      [['b', 'b is busy']],
    )
  })

  it('does no more than four at a time', async () => {
    let now = 0
    let most = 0
    const progress: number[] = []

    await runMany(
      Array.from({ length: 20 }, (_, n) => n),
      async () => {
        most = Math.max(most, ++now)
        await new Promise(setImmediate)
        now--
      },
      { onProgress: finished => progress.push(finished) },
    )

    assert.equal(most, 4)
    assert.equal(progress.at(-1), 20)
  })

  it('begins nothing more once it is stopped', async () => {
    const stop = new AbortController()

    const outcome = await runMany([1, 2, 3], async () => stop.abort(), { signal: stop.signal, atOnce: 1 })

    assert.deepEqual(outcome, { done: [1], failed: [] })
  })
})
