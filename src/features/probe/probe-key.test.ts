import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import { describe, it } from 'node:test'
import { isProbeKey, makeProbeKey } from './probe-key.ts'

describe('the key of a probe', () => {
  const secret = randomBytes(32)
  const now = new Date('2026-11-22T12:00:00Z')
  const after = (minutes: number) => new Date(now.getTime() + minutes * 60_000)

  it('is good for some minutes', () => {
    const key = makeProbeKey(secret, now)

    assert.equal(isProbeKey(key, secret, now), true)
    assert.equal(isProbeKey(key, secret, after(4)), true)
    assert.equal(isProbeKey(key, secret, after(6)), false)
  })

  it('is none of another site, none that was changed, and none from the far future', () => {
    const key = makeProbeKey(secret, now)
    const longer = key.replace(/\.(\d+)\./, (_, end) => `.${Number(end) + 60_000}.`)

    assert.equal(isProbeKey(key, randomBytes(32), now), false)
    assert.equal(isProbeKey(longer, secret, now), false)
    assert.equal(isProbeKey(makeProbeKey(secret, after(60)), secret, now), false)
    for (const text of [undefined, '', 'v1', 'v1...', `${key}.x`, key.slice(0, -1), ['x']]) {
      assert.equal(isProbeKey(text, secret, now), false, String(text))
    }
  })
})
