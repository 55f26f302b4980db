/** A start that does not come to its end leaves nothing, or what the next hub needs, and a reason. */
import assert from 'node:assert/strict'
import { it } from 'node:test'
import { SpawnError } from '../../core/reason.ts'
import { silentLogger } from '../../core/runtime.ts'
import { NEVER, STOP } from './contract-server.ts'
import type { Suite } from './suite.ts'

export function failedStarts(suite: Suite): void {
  it('leaves nothing behind when a start is given up, at once or after its state was stored', async () => {
    for (const moment of ['at once', 'when stored']) {
      const giveUp = new AbortController()
      const { start, saved, poll } = suite.server()

      const started = start(giveUp.signal, () => moment === 'when stored' && giveUp.abort(new Error('stop pressed')))
      if (moment === 'at once') giveUp.abort(new Error('stop pressed'))

      await assert.rejects(started)
      await suite.nothingRemains()
      if (saved.length > 0) assert.notEqual(await poll(), undefined)
    }
  })

  it('leaves nothing behind when its state cannot be stored', async () => {
    const { spec } = suite.server()
    const run = {
      signal: NEVER,
      saveState: () => Promise.reject(new Error('lease lost')),
      progress: () => {},
      log: silentLogger,
    }

    await assert.rejects(suite.harness.spawner.start(spec, run), /lease lost/)

    await suite.nothingRemains()
  })

  for (const code of ['lease_lost', 'hub_closing']) {
    it(`leaves a server whose state was stored to the next hub when a start is broken off with ${code}`, async () => {
      const breakOff = new AbortController()
      const { spec, start, state } = suite.server()
      const reason = Object.assign(new Error(code), { code })

      await assert.rejects(
        start(breakOff.signal, () => breakOff.abort(reason)),
        { code },
      )

      const heir = await suite.harness.another()
      assert.equal(await heir.poll(spec.key, state(), NEVER), undefined)
      await heir.stop(spec.key, state(), { ...STOP, now: true, signal: NEVER })
      await suite.nothingRemains()
    })
  }

  it('tells why a server ended while it was started', async () => {
    const { start } = suite.server({ command: suite.harness.commands.endsEarly })

    await assert.rejects(start(), error => {
      assert.ok(error instanceof SpawnError, String(error))
      assert.equal(error.reason.code, 'exited_early')
      assert.match(error.reason.message, /3/)
      assert.ok(error.reason.nextStep)
      assert.match(error.reason.logTail ?? '', /on purpose/)
      return true
    })
    await suite.nothingRemains()
  })

  it('tells that the program is not there', async t => {
    const { missing } = suite.harness.commands
    if (!missing) return t.skip('the harness knows no program that is missing')
    const { start } = suite.server({ command: missing })

    await assert.rejects(start(), error => {
      assert.ok(error instanceof SpawnError, String(error))
      assert.equal(error.reason.code, 'command_not_found')
      assert.ok(error.reason.nextStep)
      return true
    })
    await suite.nothingRemains()
  })
}
