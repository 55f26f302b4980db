import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { type Logger, silentLogger } from '../../core/runtime.ts'
import { logMemoryKills } from './memory-kills.ts'
import { type SeenServer, usageHistory } from './usage-history.ts'

const seen = (memoryKills: number, run = '1'): SeenServer[] => [
  { key: { user: 'ada', server: '' }, run, usage: { memoryBytes: 5, cpuSeconds: 1, memoryLimitBytes: 9, memoryKills } },
]

describe('the log of the hub', () => {
  it('tells once of each process that was ended for the memory of its server', () => {
    const lines: object[] = []
    const log: Logger = { ...silentLogger, info: fields => void lines.push(fields) }
    const history = usageHistory(10)
    const look = (servers: SeenServer[]) => {
      logMemoryKills(history, servers, log)
      history.add(new Date(), servers)
    }

    look(seen(2)) // before this hub was there
    look(seen(2))
    look(seen(5))
    look(seen(5))
    look(seen(0, 'the next run'))
    look(seen(1, 'the next run'))

    const of = { user: 'ada', server: '', memoryLimitBytes: 9 }
    assert.deepEqual(lines, [
      { ...of, processes: 3 },
      { ...of, processes: 1 },
    ])
  })
})
