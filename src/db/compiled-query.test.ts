import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { silentLogger } from '../core/runtime.ts'
import { compiledQuery } from './compiled-query.ts'
import { openDatabase } from './open-database.ts'
import { testDatabases } from './testing.ts'

for (const kind of testDatabases()) {
  describe(`compiled query on ${kind.name}`, () => {
    it('binds the arguments of each call, lists of any length among them', async t => {
      const { db, close } = await kind.open()
      t.after(close)
      const addGroup = compiledQuery((on, name: string) => on.insertInto('groups').values({ name }).returning('name'))
      let built = 0
      const groupsNamed = compiledQuery((on, names: string[], but: string) => {
        built += 1
        return on
          .selectFrom('groups')
          .select('name')
          .where('name', 'in', names)
          .where('name', '!=', but)
          .orderBy('name')
      })
      const found = async (names: string[], but = '') => (await groupsNamed(db, names, but)).map(row => row.name)

      for (const name of ['red', 'blue', 'green']) assert.deepEqual(await addGroup(db, name), [{ name }])

      assert.deepEqual(await found(['red', 'blue']), ['blue', 'red'])
      assert.deepEqual(await found(['green', 'nobody']), ['green'])
      assert.deepEqual(await found(['red']), ['red'])
      assert.deepEqual(await found(['red', 'blue'], 'red'), ['blue'])
      assert.equal(built, 2)
    })

    it('binds the columns of a row, for each choice of columns', async t => {
      const { db, close } = await kind.open()
      t.after(close)
      const addUser = compiledQuery((on, columns: { name: string; cookie_id: string; admin?: boolean }) =>
        on
          .insertInto('users')
          .values({ admin: false, ...columns })
          .returning(['name', 'cookie_id', 'admin']),
      )

      const ada = { name: 'ada', cookie_id: 'a', admin: true }
      assert.deepEqual(await addUser(db, ada), [ada])
      assert.deepEqual(await addUser(db, { name: 'bob', cookie_id: 'b' }), [
        { name: 'bob', cookie_id: 'b', admin: false },
      ])
      assert.deepEqual(await addUser(db, { cookie_id: 'c', name: 'carol' }), [
        { name: 'carol', cookie_id: 'c', admin: false },
      ])
    })

    it('does not become part of a transaction that somebody else is in', async t => {
      const { db, close } = await kind.open()
      t.after(close)
      const addGroup = compiledQuery((on, name: string) => on.insertInto('groups').values({ name }))
      const groups = compiledQuery(on => on.selectFrom('groups').select('name'))
      let outside: Promise<unknown> | undefined

      const undone = db.transaction().execute(async tx => {
        await addGroup(tx, 'within')
        outside = addGroup(db, 'outside')
        await groups(tx)
        throw new Error('undo')
      })

      await assert.rejects(undone, /undo/)
      await outside
      assert.deepEqual(await groups(db), [{ name: 'outside' }])
    })

    it('takes part in the transaction it is given', async t => {
      const { db, close } = await kind.open()
      t.after(close)
      const addGroup = compiledQuery((on, name: string) => on.insertInto('groups').values({ name }))
      const groups = compiledQuery(on => on.selectFrom('groups').select('name'))
      await addGroup(db, 'before')

      const undone = db.transaction().execute(async tx => {
        await addGroup(tx, 'within')
        assert.equal((await groups(tx)).length, 2)
        throw new Error('undo')
      })

      await assert.rejects(undone, /undo/)
      assert.deepEqual(await groups(db), [{ name: 'before' }])
    })
  })
}

describe('compiled read of a SQLite file', () => {
  it('sees what is committed, and waits for nobody', async () => {
    const { url, drop } = await testDatabases()[0]!.create()
    const { db, close } = await openDatabase(url, { log: silentLogger })
    const addUser = compiledQuery((on, name: string, admin: boolean) =>
      on.insertInto('users').values({ name, admin, cookie_id: name }),
    )
    const admins = compiledQuery((on, admin: boolean) =>
      on.selectFrom('users').select(['name', 'admin']).where('admin', '=', admin),
    )

    const during = await db.transaction().execute(async tx => {
      await addUser(tx, 'alice', true)
      return admins(db, true)
    })
    const after = await admins(db, true)

    assert.deepEqual(during, [])
    assert.deepEqual(after, [{ name: 'alice', admin: true }])
    await close()
    await drop()
  })
})
