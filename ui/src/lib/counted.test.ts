import assert from 'node:assert/strict'
import { it } from 'node:test'
import { counted, listed } from './counted.ts'

it('counts things in words', () => {
  assert.equal(counted(1, 'server'), '1 server')
  assert.equal(counted(3412, 'user'), '3,412 users')
  assert.equal(counted(2, 'is', 'are'), '2 are')
})

it('lists a few and says how many more there are', () => {
  assert.equal(listed(['a']), 'a')
  assert.equal(listed(['a', 'b', 'c']), 'a, b and c')
  assert.equal(listed(['a', 'b', 'c', 'd']), 'a, b and 2 more')
})
