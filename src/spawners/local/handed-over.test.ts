import assert from 'node:assert/strict'
import { after, before, describe, it } from 'node:test'
import type { Json } from '../../core/runtime.ts'
import { type TestLauncher, testLauncher } from '../../launcher/testing.ts'
import type { Spawner } from '../../plugin/spawner.ts'
import { contractServer } from '../../plugin/spawner-contract.ts'
import { local } from './local.ts'

const user = { id: 1, name: 'ada', admin: false, groups: [] }

describe('a local server whose start is broken off', () => {
  let launcher: TestLauncher
  before(async () => {
    launcher = await testLauncher()
  })
  after(() => launcher?.close())

  for (const code of ['lease_lost', 'hub_closing']) {
    it(`is left to the next hub when the reason is ${code}`, async () => {
      const spawner = local({ launcher: launcher.client, as: 'own-account' }) as unknown as Spawner<Json, Json> // JSON
      const { start, spec, state } = contractServer(spawner, user, 'heir', launcher.command)
      const breakOff = new AbortController()
      const signal = new AbortController().signal

      const started = start(breakOff.signal, () => breakOff.abort(Object.assign(new Error(code), { code })))
      await assert.rejects(started, { code })

      assert.equal(await spawner.poll(spec.key, state(), signal), undefined)
      await spawner.stop(spec.key, state(), { now: true, timeoutMs: 1000, signal })
      assert.deepEqual(await launcher.remains(), [])
    })
  }
})
