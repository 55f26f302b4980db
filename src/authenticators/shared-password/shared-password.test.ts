import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { authenticatorContract, contextFor } from '../../plugin/authenticator-contract.ts'
import { type SharedPasswordOptions, sharedPassword } from './shared-password.ts'

const USER = 'workshop-2026'
const ADMIN = 'a-password-of-thirty-two-characters-or-more'
const both = { userPassword: USER, adminPassword: ADMIN, adminUsers: ['boss'] }

authenticatorContract('shared-password', async () => ({
  authenticator: sharedPassword(both),
  another: async () => sharedPassword(both),
  good: { username: 'ada', password: USER },
  wrongPassword: 'wrong-password',
  close: async () => {},
}))

describe('shared password', () => {
  it('makes administrators only of those named, by their own password', async () => {
    assert.deepEqual(await attempt(both, 'Boss', ADMIN), { name: 'boss', admin: true })
    assert.deepEqual(await attempt(both, 'ada', USER), { name: 'ada', admin: false })
    assert.partialDeepStrictEqual(await attempt(both, 'boss', USER), { refused: 'wrong_credentials' })
    assert.partialDeepStrictEqual(await attempt(both, 'ada', ADMIN), { refused: 'wrong_credentials' })
  })

  it('keeps out those without a password of theirs', async () => {
    const users = { userPassword: USER, adminUsers: ['boss'] }
    assert.partialDeepStrictEqual(await attempt(users, 'boss', ''), { refused: 'wrong_credentials' })
    const admins = { adminPassword: ADMIN, adminUsers: ['boss'] }
    assert.partialDeepStrictEqual(await attempt(admins, 'ada', ''), { refused: 'wrong_credentials' })
  })

  it('gives groups by password, and takes them from those who use the plain one', async () => {
    const grouped = { ...both, passwordGroups: { 'morning-course': ['morning'], 'evening-course': ['evening'] } }
    assert.deepEqual(await attempt(grouped, 'ada', 'evening-course'), {
      name: 'ada',
      admin: false,
      groups: ['evening'],
    })
    assert.deepEqual(await attempt(grouped, 'ada', USER), { name: 'ada', admin: false, groups: [] })
    assert.partialDeepStrictEqual(await attempt(grouped, 'boss', 'evening-course'), { refused: 'wrong_credentials' })
  })

  it('is refused at start when it is short, shared with administrators, or missing', () => {
    const wrong = (options: SharedPasswordOptions, message: RegExp) =>
      assert.throws(() => sharedPassword(options), { code: 'shared_password_invalid', message })
    wrong({ userPassword: 'short' }, /at least 8/)
    wrong({ userPassword: USER, adminPassword: 'too-short-for-admins' }, /at least 32/)
    wrong({ userPassword: ADMIN, adminPassword: ADMIN }, /must not share/)
    wrong({ userPassword: USER, passwordGroups: { x: ['y'] } }, /at least 8/)
    wrong({}, /nobody can sign in/)
  })
})

function attempt(options: SharedPasswordOptions, username: string, password: string) {
  const given = { form: { username, password }, address: '192.0.2.7', headers: {} }
  return sharedPassword(options).authenticate!(given, contextFor(AbortSignal.timeout(1000), []))
}
