import assert from 'node:assert/strict'
import { after, before, describe, it } from 'node:test'
import { limitedServers } from './testing-limits.ts'

describe('what a server uses', () => {
  let servers: Awaited<ReturnType<typeof limitedServers>>
  before(async () => {
    servers = await limitedServers()
  })
  after(() => servers?.close())

  it('is the memory, the processor time and the number of all its processes', async () => {
    const server = await servers.start()
    const before = await server.usage()

    await server.post('eat-here/64')
    await server.post('spin/1000')

    const used = await server.usage()
    const grown = (used.memoryBytes - before.memoryBytes) / 2 ** 20
    assert.ok(grown > 60 && grown < 100, `${grown} MB more`)
    assert.ok(used.cpuSeconds >= before.cpuSeconds + 0.8, `${before.cpuSeconds} then ${used.cpuSeconds} s`)
    assert.equal(used.processes, 1)
  })

  it('is told of many servers at once, in their order', async () => {
    const [greedy, modest, ended] = [await servers.start(), await servers.start(), await servers.start()]
    await greedy.post('eat-here/64')
    await ended.stop()
    const claims = [greedy, ended, modest].map(({ key, pid, startTime }) => ({ key, pid, startTime }))

    const answer = await servers.launcher.client.call('usageOfAll', { servers: claims })

    const [ofGreedy, ofEnded, ofModest] = answer.servers
    assert.equal(ofEnded, null)
    assert.ok(ofGreedy!.memoryBytes > ofModest!.memoryBytes + 60 * 2 ** 20)
    assert.deepEqual([ofGreedy!.processes, ofModest!.processes], [1, 1])
  })

  it('is nothing when it has ended', async () => {
    const server = await servers.start()
    await server.stop()

    assert.deepEqual(await server.ask('usage'), { running: false })
  })
})
