import assert from 'node:assert/strict'
import { it } from 'node:test'
import { holdsScope, holdsScopeFor } from './scopes.ts'

it('holds a scope for all or for some others, not for oneself alone, nor one that begins alike', () => {
  const holds = (scope: string) => holdsScope([scope], 'admin:users', 'ada')

  assert.deepEqual(['admin:users', 'admin:users!group=staff', 'admin:users!user=bob'].map(holds), [true, true, true])
  assert.deepEqual(['admin:users!user=ada', 'admin:users!server=ada/', 'admin:users:x'].map(holds), [
    false,
    false,
    false,
  ])
  assert.equal(holdsScope(undefined, 'admin:users', 'ada'), false)
})

it('holds a scope for one user', () => {
  const holds = (scope: string) => holdsScopeFor([scope], 'start:servers', 'bob')

  assert.deepEqual(
    ['start:servers', 'start:servers!user=bob', 'start:servers!server=bob/gpu', 'start:servers!group=staff'].map(holds),
    [true, true, true, true],
  )
  assert.deepEqual(['start:servers!user=bobby', 'start:servers!server=bobby/', 'stop'].map(holds), [
    false,
    false,
    false,
  ])
})
