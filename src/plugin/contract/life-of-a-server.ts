/** A server is started, looked at, told of, found again and stopped. */
import assert from 'node:assert/strict'
import { createServer } from 'node:net'
import { it } from 'node:test'
import type { Address } from '../spawner.ts'
import { answers, NEVER, STOP, until } from './contract-server.ts'
import type { Suite } from './suite.ts'

export function lifeOfAServer(suite: Suite): void {
  it('starts a server that answers, tells that it runs, stops it and tells how it ended', async () => {
    const { spec, start, poll, stop } = suite.server()

    const address = await start()
    await answers(address, spec)
    assert.equal(await poll(), undefined)
    await stop()

    assert.notEqual(await poll(), undefined)
    await suite.nothingRemains()
  })

  it('starts a server as ever after it was told that one is likely, once or again', async t => {
    const { spawner, user } = suite.harness
    if (!spawner.prepare) return t.skip('the spawner does nothing beforehand')
    const { spec, start, stop } = suite.server()

    await spawner.prepare(user, { command: spec.command }, NEVER)
    await spawner.prepare(user, { command: spec.command }, NEVER)
    await answers(await start(), spec)
    await stop()

    await suite.nothingRemains()
  })

  it('stores its state before it returns, as something JSON can hold', async () => {
    const { start, saved, stop } = suite.server()

    await start()

    assert.ok(saved.length > 0, 'saveState was not called')
    assert.deepEqual(JSON.parse(JSON.stringify(saved.at(-1))), saved.at(-1))
    await stop({ now: true, timeoutMs: 1000 })
  })

  it('stops twice, and stops what never was, without an error', async () => {
    const { spec, start, stop } = suite.server()
    const { spawner, garbage = [{}, { pid: 'x' }] } = suite.harness
    await start()

    await stop()
    await stop()

    const key = { ...spec.key, server: 'never-was' }
    for (const state of garbage) {
      await spawner.stop(key, state, { ...STOP, signal: NEVER })
      assert.notEqual(await spawner.poll(key, state, NEVER), undefined)
    }
  })

  it('finds and stops a server that it did not start itself', async () => {
    const { spec, start, saved } = suite.server()
    const address = await start()
    const state = JSON.parse(JSON.stringify(saved.at(-1)))

    const other = await suite.harness.another()
    assert.equal(await other.poll(spec.key, state, NEVER), undefined)
    if (other.owns) assert.equal(await other.owns(spec.key, state, address, NEVER), true)
    if (other.address) assert.deepEqual(await other.address(spec.key, state, NEVER), address)
    await other.stop(spec.key, state, { ...STOP, signal: NEVER })

    assert.notEqual(await other.poll(spec.key, state, NEVER), undefined)
    await suite.nothingRemains()
  })

  it('tells its own server from another program at an address', async t => {
    const { spawner } = suite.harness
    if (!spawner.owns) return t.skip('the spawner cannot tell')
    const { spec, start, state, stop } = suite.server()
    const address = await start()
    const stranger = createServer()
    await new Promise<void>(done => stranger.listen(0, '127.0.0.1', done))
    const { port } = stranger.address() as { port: number } // listens on TCP

    assert.equal(await spawner.owns(spec.key, state(), address, NEVER), true)
    const elsewhere: Address = { proto: 'http', host: '127.0.0.1', port }
    assert.equal(await spawner.owns(spec.key, state(), elsewhere, NEVER), false)

    stranger.close()
    await stop()
    assert.equal(await spawner.owns(spec.key, state(), address, NEVER), false)
  })

  it('sees that a server has crashed, whoever started it', async t => {
    const { crash, crashed, another } = suite.harness
    if (!crash) return t.skip('the harness cannot crash a server')
    const { spec, start, state, poll } = suite.server()
    await answers(await start(), spec)
    const other = await another()

    await crash(state())

    // A process that was killed takes a moment to die.
    await until('it is said to have ended', async () => (await poll()) !== undefined)
    if (crashed) assert.deepEqual(await poll(), crashed)
    assert.notEqual(await other.poll(spec.key, state(), NEVER), undefined)
    await suite.nothingRemains()
  })

  it('keeps what the server printed, and gives as many lines of it as are asked for', async t => {
    const { spawner } = suite.harness
    if (!spawner.logs) return t.skip('the spawner keeps no logs')
    const { spec, start, state, stop } = suite.server()
    const address = await start()
    await answers(address, spec)

    assert.match(await spawner.logs(spec.key, state(), 50), /listening on/)
    assert.ok((await spawner.logs(spec.key, state(), 1)).trimEnd().split('\n').length <= 1)
    await stop()
    assert.match(await spawner.logs(spec.key, state(), 50), /listening on/)
  })
}
