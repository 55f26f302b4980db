import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { testDatabases } from '../../db/testing.ts'
import { addNativeAccount } from '../../features/accounts/testing.ts'
import { authenticatorContract } from '../../plugin/authenticator-contract.ts'
import type { OwnAccountsOptions } from './options.ts'
import { passwordHasher } from './password-hash.ts'
import { CHEAP, GOOD_PASSWORD, ownAccountsHarness, signedInAs, typed } from './testing.ts'

const WRONG = { refused: 'wrong_credentials', message: 'Name or password is wrong.', status: 401 }

for (const kind of testDatabases()) {
  authenticatorContract(`own-accounts on ${kind.name}`, async () => {
    const database = await kind.open()
    const { accounts, authenticator } = ownAccountsHarness(database)
    const passwordHash = await passwordHasher(CHEAP).hash(GOOD_PASSWORD)
    await accounts.add({ name: 'ada', passwordHash, approved: true })
    return {
      authenticator,
      another: async () => ownAccountsHarness(database).authenticator,
      good: { username: 'Ada', password: GOOD_PASSWORD },
      unknownName: 'nobody',
      wrongPassword: 'wrong-password-1',
      close: () => database.close(),
    }
  })

  describe(`own accounts of NativeAuthenticator on ${kind.name}`, () => {
    it('sign in with the old password, which is hashed anew', async () => {
      const database = await kind.open()
      await addNativeAccount(database, { username: 'Bob', password: 'old secret', authorized: true })
      const { signIn, accounts } = ownAccountsHarness(database)

      assert.deepEqual(await signIn('bob', 'Old secret'), WRONG)
      assert.equal((await accounts.find('bob'))?.legacy, true)
      assert.deepEqual(await signIn('bob', 'old secret'), { name: 'bob', allowed: true })
      assert.match((await accounts.find('bob'))!.passwordHash, /^\$scrypt\$/)
      assert.deepEqual(await signIn('bob', 'old secret'), { name: 'bob', allowed: true })
      await database.close()
    })

    it('wait for approval as before, and hear so only with the right password', async () => {
      const database = await kind.open()
      await addNativeAccount(database, { username: 'bob', password: 'old secret', authorized: false })
      const { signIn, accounts } = ownAccountsHarness(database)

      assert.partialDeepStrictEqual(await signIn('bob', 'old secret'), { refused: 'waiting_for_approval' })
      assert.deepEqual(await signIn('bob', 'wrong'), WRONG)
      await accounts.approve('bob', 'root')
      assert.deepEqual(await signIn('bob', 'old secret'), { name: 'bob', allowed: true })
      await database.close()
    })
  })
}

describe('sign-up', () => {
  it('makes an account that waits, tells so to the right password alone, and lets in once approved', async () => {
    await withAccounts({}, async ({ get, post, signIn }) => {
      assert.partialDeepStrictEqual(await get('signup'), { page: 'signup.html', state: 'form', needsApproval: true })
      assert.partialDeepStrictEqual(await post('signup', typed('Ada')), {
        status: 200,
        state: 'waiting',
        username: 'ada',
      })

      const waiting = { refused: 'waiting_for_approval', status: 403, countsAsFailure: false }
      assert.partialDeepStrictEqual(await signIn('ada', GOOD_PASSWORD), waiting)
      assert.deepEqual(await signIn('ada', 'wrong'), WRONG)
      assert.deepEqual(await signIn('nobody', 'wrong'), WRONG)

      const decided = await post(
        'authorize',
        { name: 'ada', do: 'approve', search: 'a', show: 'waiting' },
        signedInAs('root', true),
      )
      assert.equal(decided.redirect, '/hub/authorize?show=waiting&offset=0&did=approve&name=ada&search=a')
      assert.deepEqual(await signIn('ada', GOOD_PASSWORD), { name: 'ada', allowed: true })
    })
  })

  it('stores nothing unless both passwords agree and all rules are kept, and says all that is wrong', async () => {
    await withAccounts({ askEmail: true, reservedNames: ['boss'] }, async ({ post, accounts }) => {
      const faults = async (form: Record<string, string>) => (await post('signup', { email: 'a@b.org', ...form })).codes
      assert.deepEqual(await faults(typed('ada', GOOD_PASSWORD, `${GOOD_PASSWORD}x`)), ['passwords_differ'])
      assert.deepEqual(await faults({ ...typed('', 'x', 'y'), email: 'no' }), [
        'name_missing',
        'email_invalid',
        'password_too_short',
        'passwords_differ',
      ])
      assert.deepEqual(await faults(typed('boss')), ['name_reserved'])
      assert.deepEqual(await faults(typed('ada', 'password1')), ['password_too_common'])
      for (const name of ['a/b', '..', 'ünïcødé', 'x'.repeat(33), 'a b', 'root\n/etc']) {
        assert.deepEqual(await faults(typed(name)), ['name_invalid'], name)
      }
      assert.equal((await accounts.list({ offset: 0, limit: 1 })).total, 0)
    })
  })

  it('is limited for an address, or a whole network of one person, and then makes nothing', async () => {
    await withAccounts({ signUp: 'open' }, async ({ post, accounts }) => {
      const throttle = async (key: string, limit?: number) =>
        key === 'sign-up:2001:db8:0:1::/64' && limit === 200 ? { retryAfter: 90 } : undefined
      const answer = await post('signup', typed('ada'), { address: '2001:db8:0:1::7', throttle })
      assert.partialDeepStrictEqual(answer, { status: 429, codes: ['too_many_tries'] })
      assert.equal((await accounts.list({ offset: 0, limit: 1 })).total, 0)
      assert.partialDeepStrictEqual(await post('signup', typed('ada'), { throttle }), { state: 'ready' })
    })
  })

  it('does not give the typed password back, nor log it', async () => {
    await withAccounts({}, async ({ post, log }) => {
      const answers = [await post('signup', typed('a/b')), await post('signup', typed('ada'))]
      assert.ok(!JSON.stringify([answers, log]).includes(GOOD_PASSWORD))
    })
  })

  it('never overwrites an account, also when two ask for one name at once', async () => {
    await withAccounts({ signUp: 'open' }, async ({ post, signIn }) => {
      const both = await Promise.all([
        post('signup', typed('ada', 'password of one')),
        post('signup', typed('ada', 'password of two')),
      ])
      assert.deepEqual(both.map(answer => answer.status).toSorted(), [200, 409])
      assert.deepEqual(
        both.flatMap(answer => answer.codes),
        ['name_taken'],
      )
      const proofs = await Promise.all([signIn('ada', 'password of one'), signIn('ada', 'password of two')])
      assert.equal(proofs.filter(proof => 'name' in proof).length, 1)
    })
  })

  it('open to all lets in at once, but not under a name that the hub knows already', async () => {
    const isKnownUser = async (name: string) => name === 'old-user'
    await withAccounts({ signUp: 'open', isKnownUser }, async ({ post, signIn }) => {
      assert.equal((await post('signup', typed('ada'))).state, 'ready')
      assert.equal((await post('signup', typed('old-user'))).state, 'waiting')
      assert.deepEqual(await signIn('ada', GOOD_PASSWORD), { name: 'ada', allowed: true })
      assert.partialDeepStrictEqual(await signIn('old-user', GOOD_PASSWORD), { refused: 'waiting_for_approval' })
    })
  })

  it('closed makes no account', async () => {
    await withAccounts({ signUp: 'closed' }, async ({ get, post, accounts, authenticator }) => {
      assert.deepEqual(authenticator.login, { kind: 'form', signUp: false })
      assert.partialDeepStrictEqual(await get('signup'), { state: 'closed', status: 403 })
      assert.partialDeepStrictEqual(await post('signup', typed('ada')), { state: 'closed', status: 403 })
      assert.equal(await accounts.find('ada'), undefined)
    })
  })

  it('is approved by naming the user in the config, also after the sign-up', async () => {
    const named = new Set<string>()
    await withAccounts({ isNamedInConfig: name => named.has(name) }, async ({ post, signIn, accounts }) => {
      await post('signup', typed('ada'))
      assert.partialDeepStrictEqual(await signIn('ada', GOOD_PASSWORD), { refused: 'waiting_for_approval' })

      named.add('ada')

      assert.deepEqual(await signIn('ada', GOOD_PASSWORD), { name: 'ada', allowed: true })
      assert.equal((await accounts.find('ada'))?.approved, true)
    })
  })
})

describe('first administrator', () => {
  const expiresAt = new Date('2026-01-03T00:00:00Z')

  it('is made by a link that works once and needs no approval, reserved name or not', async () => {
    await withAccounts({ signUp: 'closed', reservedNames: ['ada'] }, async ({ links, get, post, signIn }) => {
      const link = await links.create({ purpose: 'first-admin', expiresAt })
      assert.partialDeepStrictEqual(await get('first-admin', { query: { link } }), { state: 'form', link })
      assert.deepEqual((await post('first-admin', { link, ...typed('Ada', 'x', 'y') })).codes, [
        'password_too_short',
        'passwords_differ',
      ])

      const made = await post('first-admin', { link, ...typed('Ada') })

      assert.partialDeepStrictEqual(made, { signedIn: { name: 'ada', admin: true, allowed: true }, next: '/hub/home' })
      assert.deepEqual(await signIn('ada', GOOD_PASSWORD), { name: 'ada', allowed: true })
      assert.partialDeepStrictEqual(await get('first-admin', { query: { link } }), { state: 'invalid', status: 403 })
    })
  })

  it('is one, also when two use the link at once', async () => {
    await withAccounts({}, async ({ links, post, accounts }) => {
      const link = await links.create({ purpose: 'first-admin', expiresAt })
      const both = await Promise.all(['ada', 'bob'].map(name => post('first-admin', { link, ...typed(name) })))
      assert.equal(both.filter(answer => 'signedIn' in answer).length, 1)
      assert.equal((await accounts.list({ offset: 0, limit: 5 })).total, 1)
    })
  })

  it('is not made by an old, unknown or other link', async () => {
    await withAccounts({}, async ({ links, post, accounts, clock }) => {
      const old = await links.create({ purpose: 'first-admin', expiresAt: clock.now() })
      const other = await links.create({ purpose: 'reset-password', name: 'ada', expiresAt })
      for (const link of [old, other, 'unknown', '', '\0']) {
        assert.partialDeepStrictEqual(await post('first-admin', { link, ...typed('ada') }), {
          state: 'invalid',
          status: 403,
        })
      }
      assert.equal(await accounts.find('ada'), undefined)
    })
  })
})

describe('change of a password', () => {
  it('asks for the old one, ends other sessions, and signs in anew', async () => {
    const ended: string[] = []
    const endSessions = async (name: string) => void ended.push(name)
    await withAccounts({ signUp: 'open', endSessions }, async ({ post, get, signIn }) => {
      await post('signup', typed('ada'))
      const change = (old: string, password = 'another good one') =>
        post('change-password', { old_password: old, password, password_confirm: password }, signedInAs('ada'))

      assert.deepEqual((await change('wrong')).codes, ['wrong_password'])
      assert.deepEqual((await change(GOOD_PASSWORD, 'short')).codes, ['password_too_short'])
      assert.deepEqual(ended, [])
      assert.partialDeepStrictEqual(await change(GOOD_PASSWORD), {
        signedIn: { name: 'ada', allowed: true },
        next: '/hub/change-password?changed',
      })
      assert.deepEqual(ended, ['ada'])
      assert.deepEqual(await signIn('ada', GOOD_PASSWORD), WRONG)
      assert.partialDeepStrictEqual(await signIn('ada', 'another good one'), { name: 'ada' })
      assert.partialDeepStrictEqual(await get('change-password', { ...signedInAs('ada'), query: { changed: '' } }), {
        state: 'done',
      })
      assert.partialDeepStrictEqual(await get('change-password', signedInAs('pam-user')), { state: 'none' })
    })
  })

  it('lets nobody guess the old one at an open screen', async () => {
    await withAccounts({ signUp: 'open' }, async ({ post }) => {
      await post('signup', typed('ada'))
      const form = { ...typed('', 'another good one'), old_password: GOOD_PASSWORD }
      const throttle = async (key: string) => (key === 'old-password:ada' ? { retryAfter: 90 } : undefined)
      const answer = await post('change-password', form, { ...signedInAs('ada'), throttle })
      assert.partialDeepStrictEqual(answer, { status: 429, codes: ['too_many_tries'] })
    })
  })

  it('by an administrator gives a link that works once, or a password that has to be changed', async () => {
    await withAccounts({ signUp: 'open' }, async ({ post, get, signIn }) => {
      await post('signup', typed('ada'))
      const reset = (how: string) =>
        post('change-password/:name', { how }, { ...signedInAs('root', true), params: { name: 'ada' } })

      const { resetLink } = await reset('link')
      const link = String(resetLink).replace('/hub/reset-password?link=', '')
      assert.partialDeepStrictEqual(await get('reset-password', { query: { link } }), { state: 'form', name: 'ada' })
      assert.partialDeepStrictEqual(await post('reset-password', { link, ...typed('', 'chosen by a link') }), {
        state: 'done',
      })
      assert.partialDeepStrictEqual(await post('reset-password', { link, ...typed('', 'chosen again') }), {
        state: 'invalid',
      })
      assert.partialDeepStrictEqual(await signIn('ada', 'chosen by a link'), { name: 'ada' })

      const { temporaryPassword } = await reset('temporary')
      assert.match(String(temporaryPassword), /^([a-z2-9]{4}-){3}[a-z2-9]{4}$/)
      assert.deepEqual(await signIn('ada', 'chosen by a link'), WRONG)
      const due = await signIn('ada', String(temporaryPassword))
      assert.partialDeepStrictEqual(due, { refused: 'password_change_due', countsAsFailure: false })
      const next = (due as { continueAt: string }).continueAt.replace('reset-password?link=', '')
      await post('reset-password', { link: next, ...typed('', 'my own at last') })
      assert.deepEqual(await signIn('ada', 'my own at last'), { name: 'ada', allowed: true })
    })
  })

  it('by an administrator is not made for who has no account', async () => {
    await withAccounts({}, async ({ get, post }) => {
      for (const name of ['nobody', 'a\0b', 'x'.repeat(999)]) {
        const given = { ...signedInAs('root', true), params: { name } }
        assert.partialDeepStrictEqual(await get('change-password/:name', given), { state: 'none', status: 404 })
        assert.partialDeepStrictEqual(await post('change-password/:name', {}, given), { state: 'none', status: 404 })
      }
      const own = { ...signedInAs('root', true), params: { name: 'root' } }
      assert.partialDeepStrictEqual(await get('change-password/:name', own), { redirect: '/hub/change-password' })
    })
  })
})

describe('list of accounts', () => {
  it('shows those that wait first, and pages', async () => {
    await withAccounts({}, async ({ accounts, get }) => {
      for (let n = 0; n < 60; n++) {
        await accounts.add({ name: `user-${String(n).padStart(2, '0')}`, passwordHash: 'h', approved: n !== 59 })
      }
      const first = await get('authorize', signedInAs('user-00', true))
      const rows = first.accounts as { name: string; isSelf: boolean; approved: boolean }[]
      assert.partialDeepStrictEqual(first, { total: 60, waiting: 1, offset: 0, limit: 50, previousUrl: undefined })
      assert.partialDeepStrictEqual(rows[0]!, { name: 'user-59', approved: false })
      assert.partialDeepStrictEqual(rows[1]!, { name: 'user-00', isSelf: true })
      assert.equal(first.nextUrl, '/hub/authorize?show=all&offset=50')
      const found = await get('authorize', {
        ...signedInAs('root', true),
        query: { search: '59', show: 'waiting', offset: '-1' },
      })
      assert.partialDeepStrictEqual(found, { total: 1, search: '59', show: 'waiting', offset: 0 })
    })
  })

  it('declines only those that wait, withdraws with the sessions, and leaves oneself alone', async () => {
    const ended: string[] = []
    const endSessions = async (name: string) => void ended.push(name)
    await withAccounts({ endSessions }, async ({ accounts, post, get }) => {
      for (const name of ['ada', 'root']) await accounts.add({ name, passwordHash: 'h', approved: true })
      await accounts.add({ name: 'eve', passwordHash: 'h', approved: false })
      const decide = async (name: string, what: string) => {
        const { redirect } = await post('authorize', { name, do: what }, signedInAs('root', true))
        return new URL(String(redirect), 'http://hub').searchParams.get('did')
      }

      assert.equal(await decide('ada', 'decline'), 'nothing')
      assert.equal(await decide('ada', 'withdraw'), 'withdraw')
      assert.equal(await decide('eve', 'decline'), 'decline')
      assert.equal(await decide('root', 'withdraw'), 'nothing')
      assert.equal(await decide('ada', 'toString'), 'nothing')
      assert.deepEqual(ended, ['ada'])
      assert.equal((await accounts.find('root'))?.approved, true)
      assert.equal(await accounts.find('eve'), undefined)
      const page = await get('authorize', { ...signedInAs('root', true), query: { did: 'decline', name: 'eve' } })
      assert.equal(page.notice, 'The account eve was removed.')
      const odd = await get('authorize', { ...signedInAs('root', true), query: { did: 'constructor', name: 'x' } })
      assert.equal(odd.notice, undefined)
    })
  })
})

describe('own account of a deleted user', () => {
  it('goes with the user', async () => {
    await withAccounts({ signUp: 'open' }, async ({ post, authenticator, signIn }) => {
      await post('signup', typed('ada'))
      await authenticator.userDeleted!({ id: 1, name: 'ada', admin: false, groups: [] })
      assert.deepEqual(await signIn('ada', GOOD_PASSWORD), WRONG)
    })
  })
})

async function withAccounts(
  options: Partial<OwnAccountsOptions>,
  body: (harness: ReturnType<typeof ownAccountsHarness>) => Promise<void>,
): Promise<void> {
  const database = await testDatabases()[0]!.open()
  await body(ownAccountsHarness(database, options))
  await database.close()
}
