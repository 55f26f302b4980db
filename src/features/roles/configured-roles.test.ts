import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { silentLogger } from '../../core/runtime.ts'
import { withCustomScopes } from '../../core/scopes/custom.ts'
import type { Database } from '../../db/database.ts'
import { testDatabases } from '../../db/testing.ts'
import { testClock } from '../accounts/testing.ts'
import { createUserNames } from '../users/user-names.ts'
import { createUser, findUser } from '../users/user-store.ts'
import { applyConfiguredRoles } from './configured-roles.ts'
import { findRole, listRoles, putRole } from './store.ts'

const depsOf = (database: Database) => ({
  database,
  names: createUserNames(),
  clock: testClock(),
  log: silentLogger,
})

const NOBODYS = { name: 'teacher', scopes: [], services: ['nobody'] }

for (const kind of testDatabases()) {
  describe(`configured roles on ${kind.name}`, () => {
    it('come, change and go with the configuration, and their lists of holders are whole', async t => {
      const database = await kind.open()
      t.after(() => database.close())
      const { db } = database
      await applyConfiguredRoles(depsOf(database), [])
      await createUser(db, { name: 'alice' })
      await createUser(db, { name: 'bob' })
      const role = { name: 'teacher', description: 'Looks after a class', scopes: ['list:users'] }
      const holders = async () =>
        (
          await db
            .selectFrom('user_role_map')
            .innerJoin('roles', 'roles.id', 'user_role_map.role_id')
            .innerJoin('users', 'users.id', 'user_role_map.user_id')
            .where('roles.name', '=', 'teacher')
            .select('users.name')
            .execute()
        ).map(row => row.name)

      await applyConfiguredRoles(depsOf(database), [{ ...role, users: ['alice', 'Newcomer'] }])
      assert.deepEqual((await holders()).sort(), ['alice', 'newcomer'])
      await applyConfiguredRoles(depsOf(database), [{ ...role, users: ['bob'] }])
      assert.deepEqual(await holders(), ['bob'])
      await applyConfiguredRoles(depsOf(database), [role])
      assert.deepEqual(await holders(), ['bob'])
      await applyConfiguredRoles(depsOf(database), [])
      const names = (await listRoles(db)).map(({ name }) => name)
      assert.deepEqual(names.sort(), ['admin', 'server', 'token', 'user'])
    })

    it('stay as a database that was taken over has them while the configuration says nothing of roles', async t => {
      const database = await kind.open()
      t.after(() => database.close())
      const { db } = database
      await putRole(db, { name: 'former', description: '', scopes: ['list:users'] })

      await applyConfiguredRoles(depsOf(database), undefined)
      assert.ok(await findRole(db, 'former'))

      const user = { name: 'user', scopes: ['self', 'list:users'] }
      await applyConfiguredRoles(depsOf(database), [user, { name: 'ours', scopes: [] }])
      assert.equal(await findRole(db, 'former'), undefined)
      await putRole(db, { name: 'former', description: '', scopes: ['list:users'] })
      await applyConfiguredRoles(depsOf(database), undefined)

      const names = (await listRoles(db)).map(({ name }) => name)
      assert.deepEqual(names.sort(), ['admin', 'former', 'server', 'token', 'user'])
      assert.deepEqual(JSON.parse((await findRole(db, 'user'))!.scopes!), ['self'])
    })

    it("make administrators of exactly those that the role admin lists, and of the config's own", async t => {
      const database = await kind.open()
      t.after(() => database.close())
      await applyConfiguredRoles(depsOf(database), undefined)
      await createUser(database.db, { name: 'alice', admin: true })
      await createUser(database.db, { name: 'bob' })

      const deps = { ...depsOf(database), adminUsers: ['cleo'] }
      await applyConfiguredRoles(deps, [{ name: 'admin', users: ['bob'], groups: ['staff'] }])

      const admins = await Promise.all(['alice', 'bob', 'cleo'].map(name => findUser(database.db, name)))
      assert.deepEqual(
        admins.map(user => user?.admin),
        [false, true, true],
      )
      assert.ok(await database.db.selectFrom('groups').select('id').where('name', '=', 'staff').executeTakeFirst())
    })

    it('give users more than what is theirs while the configuration says so, unless it overrides the role', async t => {
      const database = await kind.open()
      t.after(() => database.close())
      const definitions = withCustomScopes({ 'custom:reports': { description: 'Reports' } })
      const deps = {
        ...depsOf(database),
        scopeDefinitions: definitions,
        extraUserScopes: ['custom:reports', 'list:users'],
      }
      const userScopes = async () => JSON.parse((await findRole(database.db, 'user'))!.scopes!)

      for (const configured of [undefined, [], [{ name: 'user', description: 'Everybody' }]]) {
        await applyConfiguredRoles(deps, configured)
        assert.deepEqual(await userScopes(), ['self', 'custom:reports', 'list:users'])
      }
      await applyConfiguredRoles(deps, [{ name: 'user', scopes: ['self', 'custom:reports'] }])
      assert.deepEqual(await userScopes(), ['self', 'custom:reports'])
      await applyConfiguredRoles(deps, undefined)
      await applyConfiguredRoles(depsOf(database), undefined)
      assert.deepEqual(await userScopes(), ['self'])
    })

    it('refuse unknown scopes, bad names and a changed admin', async t => {
      const database = await kind.open()
      t.after(() => database.close())
      for (const role of [
        { name: 'teacher', scopes: ['fly'] },
        { name: 'A' },
        { name: 'admin', scopes: ['self'] },
        NOBODYS,
      ]) {
        await assert.rejects(applyConfiguredRoles(depsOf(database), [role]), { code: 'config_invalid' })
      }
    })
  })
}
