import assert from 'node:assert/strict'
import { it } from 'node:test'
import type { Usage } from './types.ts'
import { POINTS_SHOWN, usageById, withLook } from './usage.ts'

const look = (user: string, at: string, memory_bytes: number): Usage => ({
  ...{
    user,
    server: '',
    at,
    memory_bytes,
    memory_limit_bytes: null,
    cpu: null,
    cpu_limit: null,
    memory_kills: null,
    points: [],
  },
})

it('adds a look to what is known, forgets who is gone, and takes the same look once', () => {
  const first = withLook({}, [look('ada', '1', 100), look('bob', '1', 5)])
  const second = withLook(first, [look('ada', '2', 200)])
  const again = withLook(second, [look('ada', '2', 200)])

  assert.deepEqual(Object.keys(second), ['ada/'])
  assert.equal(second['ada/']?.memory_bytes, 200)
  assert.deepEqual(
    second['ada/']?.points.map(({ memory_bytes }) => memory_bytes),
    [100, 200],
  )
  assert.deepEqual(again, second)
})

it('keeps no more points than are shown', () => {
  let all = usageById([])
  for (let n = 0; n < POINTS_SHOWN + 5; n++) all = withLook(all, [look('ada', String(n), n)])

  assert.equal(all['ada/']?.points.length, POINTS_SHOWN)
  assert.equal(all['ada/']?.points.at(-1)?.memory_bytes, POINTS_SHOWN + 4)
})
