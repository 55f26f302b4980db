import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { certificateState } from './certificate-state.ts'

const at = (day: number) => new Date(Date.UTC(2026, 0, 1 + day)).toISOString()
const now = Date.parse(at(0))

describe('the state of the certificate', () => {
  it('is quiet while there is time', () => {
    const state = certificateState({ not_before: at(-30), not_after: at(60), fault: null }, now)

    assert.deepEqual(state, { words: 'Certificate for 60 days more', isAlarming: false })
  })

  it('is alarming when it ends soon, sooner for those that live for days only', () => {
    const isAlarming = (from: number, to: number) =>
      certificateState({ not_before: at(from), not_after: at(to), fault: null }, now).isAlarming

    assert.equal(isAlarming(-350, 13), true)
    assert.equal(isAlarming(-350, 15), false)
    assert.equal(isAlarming(-3, 3), false)
    assert.equal(isAlarming(-5, 1), true)
  })

  it('says why, when there is none, none any more, or no newer one', () => {
    const words = (certificate: Parameters<typeof certificateState>[0]) => certificateState(certificate, now).words

    assert.equal(words({ not_before: null, not_after: null, fault: 'refused' }), 'No certificate: refused')
    assert.equal(words({ not_before: at(-90), not_after: at(-1), fault: null }), 'The certificate has expired')
    assert.match(words({ not_before: at(-80), not_after: at(1), fault: 'limit' }), /1 day more, not renewed: limit/)
  })
})
