import assert from 'node:assert/strict'
import { after, before, describe, it } from 'node:test'
import { silentLogger } from '../../core/runtime.ts'
import { launcherClient } from '../../launcher/client.ts'
import { type TestLauncher, testLauncher } from '../../launcher/testing.ts'
import { type TestUsers, testUsers } from '../../launcher/testing-users.ts'
import type { Refused } from '../../plugin/authenticator.ts'
import { authenticatorContract } from '../../plugin/authenticator-contract.ts'
import { type PamOptions, pam } from './pam.ts'

const isRoot = process.getuid?.() === 0
const skip = isRoot ? false : 'Linux users can only be made by root'

if (isRoot) {
  authenticatorContract('pam', async () => {
    const users = testUsers()
    const launcher = await testLauncher()
    const make = () => pam({ launcher: launcher.client, service: users.service })
    return {
      authenticator: make(),
      another: async () => make(),
      good: { username: users.name('alice'), password: users.password('alice') },
      unknownName: users.name('alice').replace('alice', 'mallory'),
      wrongPassword: 'not the one',
      async close() {
        await launcher.close()
        users.close()
      },
    }
  })
}

describe('pam', { skip }, () => {
  let users: TestUsers
  let launcher: TestLauncher
  before(async () => {
    users = testUsers()
    launcher = await testLauncher()
  })
  after(async () => {
    await launcher?.close()
    users?.close()
  })

  const signIn = (name: string, password: string, options: Partial<PamOptions> = {}) =>
    pam({ launcher: launcher.client, service: users.service, ...options }).authenticate!(
      { form: { username: name, password }, address: '192.0.2.7', headers: {} },
      { log: silentLogger, signal: AbortSignal.timeout(60_000), now: () => new Date() },
    )
  const codeOf = (answer: object) => ('refused' in answer ? (answer as Refused).refused : 'signed in')

  it('lets a Linux user in with the right password', async () => {
    assert.deepEqual(await signIn(users.name('alice'), users.password('alice')), { name: users.name('alice') })
  })

  it('takes names in lower case', async () => {
    const answer = await signIn(users.name('alice').toUpperCase(), users.password('alice'))
    assert.deepEqual(answer, { name: users.name('alice') })
  })

  it('answers alike to a wrong password, an unknown name, a locked password and an impossible name', async () => {
    const answers = await Promise.all([
      signIn(users.name('alice'), 'wrong'),
      signIn('nobody-of-this-name', 'wrong'),
      signIn(users.name('dora'), users.password('dora')),
      signIn('../../etc\npasswd', 'wrong'),
      signIn('-h', 'wrong'),
      signIn('', ''),
    ])
    for (const answer of answers) assert.deepEqual(answer, answers[0])
    assert.equal(codeOf(answers[0]!), 'wrong_credentials')
  })

  it('tells an expired account and a password that must change, after the right password only', async () => {
    assert.equal(codeOf(await signIn(users.name('erik'), users.password('erik'))), 'account_expired')
    assert.equal(codeOf(await signIn(users.name('fred'), users.password('fred'))), 'password_must_change')
    assert.equal(codeOf(await signIn(users.name('erik'), 'wrong')), 'wrong_credentials')
    assert.equal(codeOf(await signIn(users.name('fred'), 'wrong')), 'wrong_credentials')
  })

  it('leaves the account phase out when told to', async () => {
    const answer = await signIn(users.name('erik'), users.password('erik'), { checkAccount: false })
    assert.equal(codeOf(answer), 'signed in')
  })

  it('never lets root in, and says so whatever the password', async () => {
    assert.equal(codeOf(await signIn('root', 'toor')), 'root_refused')
    assert.equal(codeOf(await signIn('0', 'toor')), 'wrong_credentials')
  })

  it('makes members of an administrators group administrators, and tells groups when asked to', async () => {
    const options = { adminGroups: [users.group], allowedGroups: [users.group], manageGroups: true }
    const answer = await signIn(users.name('bob'), users.password('bob'), options)
    assert.partialDeepStrictEqual(answer, { admin: true, allowed: true })
    assert.ok('groups' in answer && answer.groups?.includes(users.group))
  })

  it('passes quotes, spaces and letters of all kinds in passwords on as they are', async () => {
    const password = ' "pä$$wörd` \\n'
    const { execFileSync } = await import('node:child_process')
    execFileSync('chpasswd', { input: `${users.name('carol')}:${password}\n` })
    assert.equal(codeOf(await signIn(users.name('carol'), password)), 'signed in')
  })

  it('says that passwords cannot be checked, and counts nothing, when the launcher is away', async () => {
    const away = launcherClient({ socketPath: `${launcher.folder}/nobody.sock` })
    const answer = await signIn(users.name('alice'), users.password('alice'), { launcher: away })
    assert.partialDeepStrictEqual(answer, { refused: 'launcher_unreachable', status: 503, countsAsFailure: false })
  })

  it('refuses to add a user that Linux does not have', async () => {
    const user = { id: 1, admin: false, groups: [] }
    const authenticator = pam({ launcher: launcher.client, service: users.service })
    await authenticator.userAdded!({ ...user, name: users.name('alice') })
    await assert.rejects(authenticator.userAdded!({ ...user, name: 'nobody-of-this-name' }), {
      code: 'linux_user_missing',
    })
  })

  it('opens and closes sessions without standing in the way of a start', async () => {
    const user = { id: 1, name: users.name('alice'), admin: false, groups: [] }
    const authenticator = pam({ launcher: launcher.client, service: users.service, openSessions: true })
    await authenticator.beforeSpawn!(user, undefined, undefined as never)
    await authenticator.afterStop!(user, '')
    const opened = await launcher.client.call('pamSession', { name: user.name, service: users.service, action: 'open' })
    assert.equal(opened.done, true)
  })
})
