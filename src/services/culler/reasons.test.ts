import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { idleReason, inWords } from './reasons.ts'

describe('reasons of the culler', () => {
  it('say times in words', () => {
    assert.equal(inWords(0), '0 seconds')
    assert.equal(inWords(1.9), '1 second')
    assert.equal(inWords(3600), '1 hour')
    assert.equal(inWords(5400), '1 hour 30 minutes')
    assert.equal(inWords(2 * 86_400 + 59), '2 days')
  })

  it('say what happened, by which limit, and what to do', () => {
    assert.deepEqual(idleReason(3905, 3600), {
      code: 'culled_idle',
      message: 'The server was stopped because nothing was done on it for 1 hour 5 minutes; the limit is 1 hour.',
      nextStep: 'Start it again.',
    })
  })
})
