import assert from 'node:assert/strict'
import { once } from 'node:events'
import { type AddressInfo, connect, createServer } from 'node:net'
import { describe, it } from 'node:test'
import { portWatch } from './port-watch.ts'
import { socketsSoon } from './socket-owner.ts'

const HOUR_MS = 3_600_000

describe('waiting for a port', () => {
  it('ends when something listens on it, for each who waits', async () => {
    const watch = portWatch()
    const [first, second] = [createServer(), createServer()]
    const port = await freePort()
    const waits = [watch.appears(port, HOUR_MS), watch.appears(port, HOUR_MS)]

    first.listen(port, '127.0.0.1')
    for (const seen of await Promise.all(waits)) assert.equal(seen.listenersAt('127.0.0.1', port).length, 1)

    const other = await freePort()
    const later = watch.appears(other, HOUR_MS)
    second.listen(other, '::1')
    assert.deepEqual(
      (await later).listenersAt('::1', other).map(({ address }) => address),
      ['::1'],
    )
    first.close()
    second.close()
  })

  it('ends after its time when nothing does', async () => {
    await portWatch().appears(await freePort(), 20)
  })

  it('does not take connections for listeners', async () => {
    const server = createServer().listen(0, '127.0.0.1')
    await once(server, 'listening')
    const { port } = server.address() as AddressInfo // listens on TCP
    const accepted = once(server, 'connection')
    const client = connect(port, '127.0.0.1')
    await accepted
    const { port: own } = client.address() as AddressInfo
    assert.ok(!(await socketsSoon()).has(own))
    client.destroy()
    server.close()
  })
})

async function freePort(): Promise<number> {
  const probe = createServer().listen(0, '127.0.0.1')
  await once(probe, 'listening')
  const { port } = probe.address() as AddressInfo // listens on TCP
  await new Promise(done => probe.close(done))
  return port
}
