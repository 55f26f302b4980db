import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { testDatabases } from '../../db/testing.ts'
import { sqlAccountStore } from './store.ts'
import { addNativeAccount, testClock } from './testing.ts'

for (const kind of testDatabases()) {
  describe(`own accounts on ${kind.name}`, () => {
    const alice = { name: 'alice', passwordHash: 'h1', approved: false, email: 'a@b.org' }

    it('are added once, also by two at the same time', async () => {
      const database = await kind.open()
      const clock = testClock()
      const accounts = sqlAccountStore(database, clock)

      const added = await Promise.all([accounts.add(alice), accounts.add({ ...alice, passwordHash: 'h2' })])

      assert.deepEqual(added.toSorted(), [false, true])
      const { passwordHash, ...found } = (await accounts.find('alice'))!
      assert.equal(passwordHash, added[0] ? 'h1' : 'h2')
      assert.deepEqual(found, {
        name: 'alice',
        approved: false,
        email: 'a@b.org',
        created: clock.now(),
        mustChange: false,
        legacy: false,
      })
      assert.equal(await accounts.find('bob'), undefined)
      await database.close()
    })

    it('are approved, get passwords, and go', async () => {
      const database = await kind.open()
      const accounts = sqlAccountStore(database)
      await accounts.add(alice)

      assert.equal(await accounts.approve('alice', 'root'), true)
      assert.equal(await accounts.approve('nobody', 'root'), false)
      assert.equal(await accounts.setPassword('alice', 'h2', { mustChange: true }), true)
      assert.equal(await accounts.setPassword('nobody', 'h2'), false)

      assert.partialDeepStrictEqual(await accounts.find('alice'), {
        approved: true,
        passwordHash: 'h2',
        mustChange: true,
      })
      assert.equal(await accounts.withdrawApproval('alice', 'root'), true)
      assert.equal((await accounts.find('alice'))?.approved, false)
      assert.equal(await accounts.remove('alice'), true)
      assert.equal(await accounts.remove('alice'), false)
      await database.close()
    })

    it('have no names that a database cannot hold', async () => {
      const database = await kind.open()
      const accounts = sqlAccountStore(database)
      for (const name of ['a\0b', 'x'.repeat(300), '\ud800']) {
        assert.equal(await accounts.find(name), undefined)
        assert.equal(await accounts.approve(name, 'root'), false)
        assert.equal(await accounts.remove(name), false)
        assert.equal((await accounts.list({ offset: 0, limit: 1, search: name })).total, 0)
      }
      await database.close()
    })

    it('are listed in pages, those that wait first, found by any characters of name and address', async () => {
      const database = await kind.open()
      const accounts = sqlAccountStore(database)
      await addNativeAccount(database, { username: 'Dora', password: 'x', authorized: false, email: 'D@x.org' })
      for (const name of ['a_1', 'b%2', 'c3']) await accounts.add({ name, passwordHash: 'h', approved: name === 'a_1' })
      await addNativeAccount(database, { username: 'c3', password: 'x', authorized: true })
      const names = async (page: Partial<Parameters<typeof accounts.list>[0]>) => {
        const { accounts: found, total } = await accounts.list({ offset: 0, limit: 10, ...page })
        return [...found.map(account => account.name), total]
      }

      assert.deepEqual(await names({}), ['b%2', 'c3', 'dora', 'a_1', 4])
      assert.deepEqual(await names({ offset: 1, limit: 2 }), ['c3', 'dora', 4])
      assert.deepEqual(await names({ approved: true }), ['a_1', 1])
      assert.deepEqual(await names({ search: '_' }), ['a_1', 1])
      assert.deepEqual(await names({ search: '%' }), ['b%2', 1])
      assert.deepEqual(await names({ search: 'd@X' }), ['dora', 1])
      assert.deepEqual(await names({ search: "'" }), [0])
      await database.close()
    })

    it('of NativeAuthenticator are found, keep their names taken, and move with their first new password', async () => {
      const database = await kind.open()
      const accounts = sqlAccountStore(database)
      await addNativeAccount(database, { username: 'Bob', password: 'secret', authorized: true, email: 'b@x.org' })

      const before = await accounts.find('bob')
      assert.equal(await accounts.add({ name: 'bob', passwordHash: 'h', approved: true }), false)
      assert.equal(await accounts.setPassword('bob', 'new'), true)
      const after = await accounts.find('bob')

      assert.partialDeepStrictEqual(before, { name: 'bob', approved: true, email: 'b@x.org', legacy: true })
      assert.match(before!.passwordHash, /^\$2[aby]\$04\$/)
      assert.partialDeepStrictEqual(after, { passwordHash: 'new', approved: true, email: 'b@x.org', legacy: false })
      assert.equal((await database.db.selectFrom('users_info').selectAll().execute()).length, 1)
      await database.close()
    })

    it('of NativeAuthenticator are approved, turned away and removed in both tables', async () => {
      const database = await kind.open()
      const accounts = sqlAccountStore(database)
      await addNativeAccount(database, { username: 'bob', password: 'secret', authorized: true })
      await accounts.setPassword('bob', 'new')

      await accounts.withdrawApproval('bob', 'root')
      const rows = await database.db.selectFrom('users_info').select('is_authorized').execute()
      await accounts.remove('bob')

      assert.deepEqual(
        rows.map(row => Boolean(row.is_authorized)),
        [false],
      )
      assert.equal(await accounts.find('bob'), undefined)
      await database.close()
    })
  })
}
