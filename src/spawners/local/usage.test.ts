import assert from 'node:assert/strict'
import { it } from 'node:test'
import { inCalls } from './usage.ts'

const claims = (count: number, letters: number) =>
  Array.from({ length: count }, (_, n) => ({ key: { user: `${n}`.padEnd(letters, 'é'), server: '' }, pid: n + 2 }))

it('asks for the usage of a whole class in one call', () => {
  assert.deepEqual(
    [...inCalls(claims(1000, 12))].map(call => call.length),
    [1000],
  )
  assert.deepEqual([...inCalls([])], [])
})

it('asks in several calls for more than the launcher takes at once, and leaves out none', () => {
  for (const all of [claims(2001, 12), claims(1000, 255)]) {
    const calls = [...inCalls(all)]
    assert.ok(calls.length > 1)
    assert.deepEqual(calls.flat(), all)
    for (const servers of calls) {
      assert.ok(servers.length <= 1000 && Buffer.byteLength(JSON.stringify({ op: 'usageOfAll', servers })) < 256 * 1024)
    }
  }
})
