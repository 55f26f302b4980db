import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { bytesWords, coreWords, isNearMemoryLimit, memoryWords } from './usage-words.ts'

const MB = 2 ** 20
const GB = 2 ** 30

describe('words for what is used', () => {
  it('are amounts of memory in the units in which limits are given', () => {
    const amounts = [0, 1000, 1023.6, 412 * MB, 1023.7 * MB, GB, 1.55 * GB, 9.96 * GB, 64 * GB, 2 * 2 ** 40]
    assert.deepEqual(amounts.map(bytesWords), [
      '0 bytes',
      '1000 bytes',
      '1 KB',
      '412 MB',
      '1 GB',
      '1 GB',
      '1.6 GB',
      '10 GB',
      '64 GB',
      '2 TB',
    ])
    assert.equal(memoryWords({ memoryBytes: 412 * MB, memoryLimitBytes: GB }), '412 MB of 1 GB')
    assert.equal(memoryWords({ memoryBytes: 412 * MB }), '412 MB')
  })

  it('are shares of the cores that may be used, or of one', () => {
    assert.equal(coreWords(0.24, 2), '12 % of 2 cores')
    assert.equal(coreWords(0.5, 1), '50 % of a core')
    assert.equal(coreWords(0.25, 0.5), '50 % of 0.5 cores')
    assert.equal(coreWords(1.5, undefined), '150 % of a core')
  })

  it('warn above nine tenths of the memory, and never without a limit', () => {
    assert.equal(isNearMemoryLimit({ memoryBytes: 91, memoryLimitBytes: 100 }), true)
    assert.equal(isNearMemoryLimit({ memoryBytes: 90, memoryLimitBytes: 100 }), false)
    assert.equal(isNearMemoryLimit({ memoryBytes: 91 }), false)
  })
})
