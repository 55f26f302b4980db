import assert from 'node:assert/strict'
import { tmpdir } from 'node:os'
import { describe, it } from 'node:test'
import { diskWatch } from './disks.ts'
import { busySince, machineReader, parseProcessorTime } from './machine.ts'

const stat = (user: number, idle: number, iowait: number) =>
  `cpu  ${user} 0 100 ${idle} ${iowait} 0 0 0 7 7\ncpu0 1 0 0 0 0 0 0 0 0 0\ncpu1 1 0 0 0 0 0 0 0 0 0\nintr 1 2 3\n`

describe('the machine', () => {
  it('is busy with what is neither idle nor waiting for a disk', () => {
    const before = parseProcessorTime(stat(100, 1000, 50))
    const now = parseProcessorTime(stat(130, 1060, 60))

    assert.deepEqual(before, { busy: 200, total: 1250, processors: 2 })
    assert.equal(busySince(before, now), 0.3)
    assert.equal(busySince(now, now), 0)
    assert.equal(busySince(now, before), 0)
  })

  it('is this one: what is read here can be true', () => {
    const read = machineReader()

    const first = read()
    for (const until = performance.now() + 200; performance.now() < until; ) Math.sqrt(2)
    const second = read()

    assert.equal(first.cpu, undefined)
    assert.ok(second.cpu! > 0.3 && second.cpu! <= second.processors, `${second.cpu} of ${second.processors}`)
    assert.ok(second.memoryBytes > 0 && second.memoryBytes < second.memoryTotalBytes)
  })

  it('tells of a disk once, whatever lies on it, and of no folder that is not there', async () => {
    const disks = await diskWatch({ one: tmpdir(), other: tmpdir(), none: '/no/such/folder' })()

    assert.deepEqual(
      disks.map(({ holds }) => holds),
      [['one', 'other']],
    )
    assert.ok(disks[0]!.usedBytes > 0 && disks[0]!.usedBytes <= disks[0]!.totalBytes)
  })
})
