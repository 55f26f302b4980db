import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { testDatabases } from '../../db/testing.ts'
import { addMachineSample, readMachineSamples } from './machine-samples.ts'
import { machineModel } from './models.ts'

const START = Date.UTC(2026, 0, 2, 12)
const MINUTE = 60_000
const DAY = 24 * 60 * MINUTE
const machine = (cpu: number, memoryBytes = 3 * 2 ** 40) => ({
  processors: 2,
  cpu,
  memoryBytes,
  memoryTotalBytes: 4 * 2 ** 40,
  load: 0.25,
})

for (const kind of testDatabases()) {
  describe(`the machine's last day on ${kind.name}`, () => {
    it('keeps a day, and takes away what is older', async () => {
      const database = await kind.open()
      for (const minutes of [0, 1, 24 * 60, 24 * 60 + 1]) {
        await addMachineSample(database, new Date(START + minutes * MINUTE), machine(minutes / 1000), 3)
      }

      const samples = await readMachineSamples(database, new Date(START + DAY + MINUTE))

      assert.deepEqual(samples[0], {
        at: new Date(START + MINUTE),
        cpu: 0.001,
        processors: 2,
        memoryBytes: 3 * 2 ** 40,
        memoryTotalBytes: 4 * 2 ** 40,
        load: 0.25,
        servers: 3,
      })
      assert.deepEqual(
        samples.map(({ cpu }) => cpu),
        [0.001, 1.44, 1.441],
      )
      await database.close()
    })

    it('takes the first of two hubs that write down the same moment', async () => {
      const database = await kind.open()
      await addMachineSample(database, new Date(START), machine(1), 1)
      await addMachineSample(database, new Date(START), machine(2), 2)

      assert.deepEqual(
        (await readMachineSamples(database, new Date(START))).map(({ cpu }) => cpu),
        [1],
      )
      await database.close()
    })
  })
}

describe('the model of the machine', () => {
  it('has means over equal parts of the day, and leaves out parts without a look', () => {
    const at = new Date(START)
    const sample = (hoursAgo: number, cpu: number, servers: number) => ({
      ...machine(cpu, cpu * 100),
      at: new Date(START - hoursAgo * 60 * MINUTE),
      cpu,
      servers,
    })
    const now = { ...machine(0.12345), servers: 1, disks: [{ holds: ['homes'], usedBytes: 1, totalBytes: 2 }] }

    const model = machineModel(now, [sample(23, 1, 0), sample(22, 2, 1), sample(0, 0.5, 4)], 4, at)

    assert.deepEqual(model.day, [
      { at: sample(22, 0, 0).at.toISOString(), cpu: 1.5, memory_bytes: 150, load: 0.25, servers: 0.5 },
      { at: at.toISOString(), cpu: 0.5, memory_bytes: 50, load: 0.25, servers: 4 },
    ])
    assert.equal(model.now.cpu, 0.123)
    assert.deepEqual(model.now.disks, [{ holds: ['homes'], used_bytes: 1, total_bytes: 2 }])
    assert.deepEqual(machineModel(now, [sample(0, 1, 1)], 0, at).day, [])
  })
})
