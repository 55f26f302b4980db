import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { authenticatorContract, contextFor } from '../../plugin/authenticator-contract.ts'
import { dummy } from './dummy.ts'

const close = async () => {}

authenticatorContract('dummy without a password', async () => ({
  authenticator: dummy(),
  another: async () => dummy(),
  good: { username: 'ada', password: 'anything' },
  close,
}))

authenticatorContract('dummy with a password', async () => ({
  authenticator: dummy({ password: 'orbit' }),
  another: async () => dummy({ password: 'orbit' }),
  good: { username: 'ada', password: 'orbit' },
  wrongPassword: 'ellipse',
  close,
}))

describe('dummy', () => {
  it('wants a name at least', async () => {
    const context = contextFor(AbortSignal.timeout(1000), [])
    const attempt = { form: { username: ' ', password: '' }, address: '192.0.2.7', headers: {} }
    assert.partialDeepStrictEqual(await dummy().authenticate!(attempt, context), { refused: 'wrong_credentials' })
  })
})
