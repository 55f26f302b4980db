import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { merged } from './merged.ts'

describe('two merged sources', () => {
  it('give what either yields as it comes, and end with the first', async () => {
    const gate = Promise.withResolvers<void>()
    let isEnded = false
    async function* first() {
      yield 'a'
      await gate.promise
      yield 'b'
    }
    async function* second() {
      try {
        yield 1
        gate.resolve()
        for (;;) yield 2
      } finally {
        isEnded = true
      }
    }

    const seen: (string | number)[] = []
    for await (const each of merged<string | number>(first(), second())) seen.push(each)

    assert.equal(isEnded, true)
    assert.deepEqual(
      [seen[0], seen.includes(1), seen.filter(each => typeof each === 'string')],
      ['a', true, ['a', 'b']],
    )
  })

  it('go on with the first when the second has ended, and fail when one fails', async () => {
    async function* letters() {
      yield 'a'
      yield 'b'
    }
    async function* nothing(): AsyncGenerator<string> {}
    const broken = { next: () => Promise.reject(new Error('broken')) }
    const failing: AsyncIterable<string> = { [Symbol.asyncIterator]: () => broken }

    assert.deepEqual(await gather(merged(letters(), nothing())), ['a', 'b'])
    await assert.rejects(gather(merged(failing, letters())), /broken/)
  })
})

async function gather<T>(source: AsyncIterable<T>): Promise<T[]> {
  const all: T[] = []
  for await (const each of source) all.push(each)
  return all
}
