import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { authenticatorContract, contextFor } from '../../plugin/authenticator-contract.ts'
import { nobody } from './nobody.ts'

authenticatorContract('nobody', async () => ({
  authenticator: nobody(),
  another: async () => nobody(),
  close: async () => {},
}))

describe('nobody', () => {
  it('lets nobody in, and counts no failure', async () => {
    const attempt = { form: { username: 'ada', password: 'orbit' }, address: '192.0.2.7', headers: {} }

    const answer = await nobody().authenticate!(attempt, contextFor(AbortSignal.timeout(1000), []))

    assert.partialDeepStrictEqual(answer, { refused: 'sign_in_disabled', status: 403, countsAsFailure: false })
  })
})
