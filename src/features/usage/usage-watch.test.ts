import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { until } from '../../../test/support/until.ts'
import { silentLogger } from '../../core/runtime.ts'
import type { Database } from '../../db/database.ts'
import { testDatabases } from '../../db/testing.ts'
import { readMachineSamples } from './machine-samples.ts'
import type { SeenServer } from './usage-history.ts'
import { createUsageWatch, type UsageWatchDeps } from './usage-watch.ts'

const START = Date.UTC(2026, 0, 1, 12, 0, 5)

describe('the watch over usage', () => {
  it('looks at all servers with one question, again and again, while it is the only hub', async () => {
    await using hub = await watched()

    hub.watch.start()
    await until('five looks', () => hub.looks() >= 5)

    const servers = (await hub.watch.ofUser('ada')).get('')!
    assert.ok(servers.points.length >= 4)
    assert.equal(servers.latest.memoryBytes, 100)
  })

  it('looks at nothing at a second hub until somebody asks there, and a while after', async () => {
    await using first = await watched()
    await using second = await watched({ database: first.database })
    first.watch.start()
    await until('the first hub looks', () => first.looks() >= 2)

    second.watch.start()
    await until('the second hub had time to look', () => first.looks() >= 6)
    assert.equal(second.looks(), 0)
    assert.equal((await second.watch.ofUser('ada')).get('')?.latest.memoryBytes, 100)
    await until('it goes on', () => second.looks() >= 3)

    second.clock.advance(61_000)
    const then = second.looks()
    const before = first.looks()
    await until('the first hub looks on', () => first.looks() >= before + 5)
    assert.ok(second.looks() <= then + 1)
  })

  it('takes over when the hub that looked after the machine closes', async () => {
    await using first = await watched()
    await using second = await watched({ database: first.database })
    first.watch.start()
    await until('the first hub looks', () => first.looks() >= 1)
    second.watch.start()

    await first.watch.close()

    await until('the second hub looks', () => second.looks() >= 2)
  })

  it('writes the machine down once a minute', async () => {
    await using hub = await watched()
    hub.watch.start()
    await until('the first look', () => hub.looks() >= 1)
    const count = async () => (await readMachineSamples(hub.database, hub.clock.now())).length
    for (const minute of [1, 2]) {
      hub.clock.advance(60_000)
      await until(`sample ${minute}`, async () => (await count()) === minute)
      const looks = hub.looks()
      await until('more looks in the same minute', () => hub.looks() >= looks + 3)
      assert.equal(await count(), minute)
    }
    const [sample] = await readMachineSamples(hub.database, hub.clock.now())
    assert.partialDeepStrictEqual(sample, { servers: 2, cpu: 0.5, processors: 2 })
  })

  it('tells nothing, rather than what was, while the spawner cannot be asked; and says so once', async () => {
    const lines: string[] = []
    await using hub = await watched({ log: { ...silentLogger, warn: (_fields, text) => void lines.push(text) } })
    hub.watch.start()
    await until('a look', () => hub.looks() >= 1)

    hub.fail(new Error('no launcher'))
    const looks = hub.looks()
    await until('looks that fail', () => hub.looks() >= looks + 4)

    assert.deepEqual(await hub.watch.all(), [])
    assert.deepEqual(lines, ['what servers use could not be found out'])
  })

  it('hands each look to who follows, until they leave', async () => {
    await using hub = await watched()
    const leave = new AbortController()
    hub.watch.start()

    let seen = 0
    for await (const all of hub.watch.follow(leave.signal)) {
      assert.equal(all.length, 1)
      if (++seen === 3) leave.abort()
    }

    assert.equal(seen, 3)
  })

  it('does not hold a page up for a spawner that does not answer', async () => {
    await using hub = await watched({ usage: () => new Promise(() => {}) })

    assert.deepEqual(await hub.watch.all(), [])
  })

  it('looks less often when a look takes long', async () => {
    const began: number[] = []
    await using hub = await watched({
      async usage() {
        began.push(performance.now())
        await sleep(20)
        return { running: 1, used: [] }
      },
    })

    hub.watch.start()
    await until('three looks', () => began.length >= 3)

    // Twenty times twenty milliseconds, and not the five asked for.
    assert.ok(began[2]! - began[1]! > 390, `${began[2]! - began[1]!} ms`)
  })

  it('has nothing for the metrics where nobody looked lately', async () => {
    await using hub = await watched()
    assert.equal(hub.watch.last(), undefined)
    await hub.watch.all()
    assert.equal(hub.watch.last()?.length, 1)
    hub.clock.advance(60_000)
    assert.equal(hub.watch.last(), undefined)
  })
})

async function watched(given: Partial<UsageWatchDeps> = {}) {
  const database: Database = given.database ?? (await testDatabases()[0]!.open())
  let ms = START
  let looks = 0
  let fault: Error | undefined
  const clock = {
    now: () => new Date(ms),
    advance(by: number) {
      ms += by
    },
  }
  const ada: SeenServer = { key: { user: 'ada', server: '' }, run: 'r', usage: { memoryBytes: 100, cpuSeconds: 1 } }
  const watch = createUsageWatch({
    database,
    holder: `hub:${Math.random()}:x`,
    async usage() {
      looks += 1
      if (fault) throw fault
      return { running: 2, used: [ada] }
    },
    machineReader,
    disks: async () => [],
    everyMs: 5,
    log: silentLogger,
    clock,
    ...given,
  })
  return {
    watch,
    database,
    clock,
    looks: () => looks,
    fail(error: Error) {
      fault = error
    },
    async [Symbol.asyncDispose]() {
      await watch.close()
      if (!given.database) await database.close()
    },
  }
}

/** As a real one, it cannot tell of processors at its first look. */
function machineReader() {
  let cpu: number | undefined
  return () => {
    const usage = { processors: 2, cpu, memoryBytes: 1, memoryTotalBytes: 2, load: 1 }
    cpu = 0.5
    return usage
  }
}
