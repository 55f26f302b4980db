import assert from 'node:assert/strict'
import { it } from 'node:test'
import { holdsScope } from './scopes.ts'

it('holds a scope for all or for some, not one that begins alike', () => {
  assert.equal(holdsScope(['admin:users'], 'admin:users'), true)
  assert.equal(holdsScope(['admin:users!group=staff'], 'admin:users'), true)
  assert.equal(holdsScope(['admin:users:x'], 'admin:users'), false)
  assert.equal(holdsScope(undefined, 'admin:users'), false)
})
