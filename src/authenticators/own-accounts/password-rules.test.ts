import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { passwordFaults } from './password-rules.ts'

const rules = { minimumLength: 8, refusesCommon: true }
const codes = async (password: string, confirm = password, name = 'alice') =>
  (await passwordFaults({ password, confirm, name }, rules)).map(fault => fault.code)

describe('a new password', () => {
  it('is long enough, no longer than can be hashed, and not well known', async () => {
    assert.deepEqual(await codes('correct horse battery'), [])
    assert.deepEqual(await codes('short'), ['password_too_short'])
    assert.deepEqual(await codes(''), ['password_too_short'])
    assert.deepEqual(await codes('😀😀😀😀😀😀😀😀'), [])
    assert.deepEqual(await codes('😀😀😀😀'), ['password_too_short'])
    assert.deepEqual(await codes('x'.repeat(257)), ['password_too_long'])
    assert.deepEqual(await codes('Password1'), ['password_too_common'])
    assert.deepEqual(await codes('12345678'), ['password_too_common'])
  })

  it('is not the name, and was typed twice', async () => {
    assert.deepEqual(await codes('Alexandria', 'Alexandria', 'alexandria'), ['password_is_name'])
    assert.deepEqual(await codes('correct horse', 'correct hors'), ['passwords_differ'])
    assert.deepEqual(await codes('short', ''), ['password_too_short', 'passwords_differ'])
  })

  it('may be well known where the site allows it', async () => {
    const lax = { minimumLength: 1, refusesCommon: false }
    assert.deepEqual(await passwordFaults({ password: '1234', confirm: '1234', name: 'a' }, lax), [])
  })
})
