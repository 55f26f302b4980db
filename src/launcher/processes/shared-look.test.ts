import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { sharedLook } from './shared-look.ts'

describe('a shared look', () => {
  it('is one for all who ask at the same time, and another one for who asks later', async () => {
    let count = 0
    const look = sharedLook(() => ++count)

    const first = await Promise.all([look(), look(), look()])
    const second = await look()

    assert.deepEqual(first, [1, 1, 1])
    assert.equal(second, 2)
  })

  it('begins after it was asked for', async () => {
    let state = 'before'
    const look = sharedLook(() => state)
    await look()

    const asked = look()
    state = 'after'

    assert.equal(await asked, 'after')
  })

  it('is tried again by the next one when it fails', async () => {
    let fails = true
    const look = sharedLook(() => {
      if (fails) throw new Error('no table')
      return 'table'
    })

    await assert.rejects(look(), /no table/)
    fails = false

    assert.equal(await look(), 'table')
  })

  it('leaves time for everything else', async () => {
    const spin = () => {
      for (const until = performance.now() + 5; performance.now() < until; );
      return performance.now()
    }
    const look = sharedLook(spin)

    const ended = await look()
    const next = await look()

    assert.ok(next - 5 - ended >= 9, `${next - 5 - ended} ms between two`)
  })
})
