import assert from 'node:assert/strict'
import { createServer } from 'node:net'
import { after, before, describe, it } from 'node:test'
import { freePorts } from '../../../test/support/free-ports.ts'
import { SpawnError } from '../../core/reason.ts'
import type { Json } from '../../core/runtime.ts'
import type { LauncherClient } from '../../launcher/client.ts'
import { type TestLauncher, testLauncher } from '../../launcher/testing.ts'
import type { Spawner } from '../../plugin/spawner.ts'
import { answers, contractServer } from '../../plugin/spawner-contract.ts'
import { local } from './local.ts'

const user = { id: 1, name: 'ada', admin: false, groups: [] }

describe('the port of a local server', () => {
  let launcher: TestLauncher
  let squatter: ReturnType<typeof createServer>
  let taken: number
  before(async () => {
    launcher = await testLauncher()
    squatter = createServer()
    await new Promise<void>(done => squatter.listen(0, '127.0.0.1', done))
    taken = (squatter.address() as { port: number }).port // listens on TCP
  })
  after(async () => {
    squatter?.close()
    await launcher?.close()
  })

  /** A launcher whose first offers come too late: another program listens on the port already. */
  function offeringTaken(times: number): LauncherClient {
    let left = times
    return {
      ...launcher.client,
      call: async (op, asked, options) => {
        const answer = await launcher.client.call(op, asked, options)
        return op === 'freePort' && left-- > 0 ? { ...answer, port: taken } : answer
      },
    }
  }
  const spawner = (client: LauncherClient) =>
    local({ launcher: client, as: 'own-account' }) as unknown as Spawner<Json, Json> // state is JSON

  it('is another one when a program takes it before the server does', async () => {
    const own = spawner(offeringTaken(2))
    const { start, spec, progress, saved, state } = contractServer(own, user, 'race', launcher.command)

    const address = await start()

    assert.notEqual(address.port, taken)
    await answers(address, spec)
    assert.equal(saved.length, 3)
    assert.equal(progress.filter(line => line.includes(`${taken} was taken`)).length, 2)
    await own.stop(spec.key, state(), { now: true, timeoutMs: 1000, signal: new AbortController().signal })
    assert.deepEqual(await launcher.remains(), [])
  })

  it('is given up after five tries, with the reason', async () => {
    const { start } = contractServer(spawner(offeringTaken(99)), user, 'race', launcher.command)

    await assert.rejects(start(), error => error instanceof SpawnError && error.reason.code === 'port_taken')

    assert.deepEqual(await launcher.remains(), [])
  })

  it('is the one that the site names, on the address that it names', async () => {
    const own = spawner(launcher.client)
    for (const ip of ['0.0.0.0', '']) {
      const [port] = await freePorts(1)
      const { start, spec, state } = contractServer(own, user, 'told', launcher.command)
      Object.assign(spec, { listen: { ip, port } })

      const address = await start()

      assert.deepEqual(address, { proto: 'http', host: ip || '127.0.0.1', port })
      assert.equal((await fetch(`http://127.0.0.1:${port}${spec.prefix}environment`)).status, 200)
      const again = await own.address!(spec.key, state(), new AbortController().signal)
      assert.deepEqual(again, address)
      assert.equal(await own.owns!(spec.key, state(), address, new AbortController().signal), true)
      await own.stop(spec.key, state(), { now: true, timeoutMs: 1000, signal: new AbortController().signal })
    }
  })

  it('is not replaced where the site names one that is taken', async () => {
    const { start, spec } = contractServer(spawner(launcher.client), user, 'told', launcher.command)
    Object.assign(spec, { listen: { port: taken } })

    await assert.rejects(start(), error => error instanceof SpawnError && error.reason.code === 'port_taken')
    assert.deepEqual(await launcher.remains(), [])
  })
})
