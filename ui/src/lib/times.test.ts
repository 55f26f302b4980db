import assert from 'node:assert/strict'
import { it } from 'node:test'
import { agoWords, roughAgoWords, spanWords } from './times.ts'

it('says spans of time in the largest unit that fits', () => {
  assert.deepEqual([4, 61, 3700, 47 * 3600, 50 * 3600].map(spanWords), ['4 s', '1 min', '1 h', '47 h', '2 days'])
})

it('tells the past from what lies ahead', () => {
  assert.deepEqual([3, 40, 7200, -7200].map(agoWords), ['just now', '40 s ago', '2 h ago', 'in 2 h'])
  assert.deepEqual([40, 90].map(roughAgoWords), ['just now', '1 min ago'])
})
