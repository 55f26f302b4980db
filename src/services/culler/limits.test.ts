import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { limitsOf, shortestLimit } from './limits.ts'

const settings = {
  idleTimeout: 3600,
  maxAge: 0,
  perGroup: { gpu: { idleTimeout: 1200 }, staff: { idleTimeout: 7200, maxAge: 86_400 }, ops: { idleTimeout: 0 } },
  perUser: { ada: { idleTimeout: 60 } },
}

describe('limits', () => {
  it('are those of everybody where nothing else is said', () => {
    assert.deepEqual(limitsOf({ name: 'bob', groups: ['other'] }, settings), { idleTimeout: 3600, maxAge: 0 })
    assert.deepEqual(limitsOf({ name: 'constructor', groups: ['toString'] }, settings), {
      idleTimeout: 3600,
      maxAge: 0,
    })
  })

  it('are the most generous ones of several groups, and no limit is more generous than any', () => {
    assert.deepEqual(limitsOf({ name: 'bob', groups: ['gpu', 'staff'] }, settings), {
      idleTimeout: 7200,
      maxAge: 86_400,
    })
    assert.equal(limitsOf({ name: 'bob', groups: ['gpu', 'ops'] }, settings).idleTimeout, 0)
    assert.equal(limitsOf({ name: 'bob', groups: ['gpu'] }, settings).idleTimeout, 1200)
  })

  it("are a user's own before those of groups", () => {
    assert.deepEqual(limitsOf({ name: 'ada', groups: ['staff'] }, settings), { idleTimeout: 60, maxAge: 86_400 })
  })

  it('are looked after when any of them is set', () => {
    assert.equal(shortestLimit(settings), 60)
    assert.equal(shortestLimit({ idleTimeout: 0, maxAge: 0, perGroup: {}, perUser: {} }), undefined)
    assert.equal(shortestLimit({ idleTimeout: 0, maxAge: 0, perGroup: { a: { maxAge: 9 } }, perUser: {} }), 9)
  })
})
