import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { ensureDefaultRoles } from '../../access/role-grants.ts'
import { testDatabases } from '../../db/testing.ts'
import { createUserNames } from './user-names.ts'
import { createUser, deleteUser, findUser, renameUser, setAdmin } from './user-store.ts'

for (const kind of testDatabases()) {
  describe(`user store on ${kind.name}`, () => {
    it('gives a new user what JupyterHub gives one', async t => {
      const database = await kind.open()
      t.after(() => database.close())
      await ensureDefaultRoles(database.db)

      const alice = await createUser(database.db, { name: 'alice', admin: true }, new Date('2026-01-02T03:04:05.678Z'))

      assert.deepEqual(await findUser(database.db, 'alice'), { id: alice.id, name: 'alice', admin: true, groups: [] })
      const row = await database.db.selectFrom('users').selectAll().executeTakeFirstOrThrow()
      assert.match(row.cookie_id, /^[0-9a-f]{32}$/)
      assert.partialDeepStrictEqual(row, {
        created: '2026-01-02 03:04:05.678000',
        last_activity: null,
        state: null,
        encrypted_auth_state: null,
      })
      assert.deepEqual(await rolesOf('alice'), ['admin', 'user'])

      await setAdmin(database.db, alice.id, false)
      assert.deepEqual(await rolesOf('alice'), ['user'])

      async function rolesOf(name: string): Promise<string[]> {
        const rows = await database.db
          .selectFrom('user_role_map')
          .innerJoin('users', 'users.id', 'user_role_map.user_id')
          .innerJoin('roles', 'roles.id', 'user_role_map.role_id')
          .where('users.name', '=', name)
          .select('roles.name')
          .orderBy('roles.name')
          .execute()
        return rows.map(role => role.name)
      }
    })

    it('lets one of two requests make a user', async t => {
      const database = await kind.open()
      t.after(() => database.close())
      await ensureDefaultRoles(database.db)

      const both = await Promise.allSettled([
        createUser(database.db, { name: 'alice' }),
        createUser(database.db, { name: 'alice' }),
      ])

      assert.deepEqual(both.map(result => result.status).sort(), ['fulfilled', 'rejected'])
    })

    it('refuses to rename onto somebody else, and deletes without leaving rows', async t => {
      const database = await kind.open()
      t.after(() => database.close())
      await ensureDefaultRoles(database.db)
      const alice = await createUser(database.db, { name: 'alice' })
      await createUser(database.db, { name: 'bob' })

      await assert.rejects(renameUser(database.db, alice.id, 'bob'), { code: 'user_exists', status: 400 })
      assert.equal(await deleteUser(database.db, alice.id), true)
      assert.equal(await deleteUser(database.db, alice.id), false)

      const left = await database.db.selectFrom('user_role_map').select('user_id').execute()
      assert.equal(left.length, 1)
    })
  })
}

describe('user names', () => {
  it('are lower case, then mapped', () => {
    const names = createUserNames({ map: { al: 'alice' } })
    assert.equal(names.normalize('AL'), 'alice')
    assert.equal(names.normalize('Bob'), 'bob')
  })

  it('hold no slash, no dots only, no outer blanks, no control characters and at most 255 characters', () => {
    const names = createUserNames()
    for (const bad of ['', 'a/b', '.', '..', '%2e%2e', ' a', 'a ', 'a\nb', 'a\0', 'x'.repeat(256)]) {
      assert.equal(names.isValid(bad), false, JSON.stringify(bad))
    }
    for (const good of ['alice', 'a@b.org', 'é', 'a b', '日本', 'x'.repeat(255)])
      assert.equal(names.isValid(good), true)
    assert.equal(createUserNames({ pattern: /^[a-z]+$/ }).isValid('a1'), false)
  })
})
