import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { silentLogger } from '../../core/runtime.ts'
import { testDatabases } from '../../db/testing.ts'
import { createUser } from '../users/user-store.ts'
import { applyConfiguredRoles } from './configured-roles.ts'
import { listRoles } from './store.ts'

for (const kind of testDatabases()) {
  describe(`configured roles on ${kind.name}`, () => {
    it('come, change and go with the configuration, and their lists of holders are whole', async t => {
      const database = await kind.open()
      t.after(() => database.close())
      const { db } = database
      await applyConfiguredRoles(database, [], silentLogger)
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

      await applyConfiguredRoles(database, [{ ...role, users: ['alice', 'nobody'] }], silentLogger)
      assert.deepEqual(await holders(), ['alice'])
      await applyConfiguredRoles(database, [{ ...role, users: ['bob'] }], silentLogger)
      assert.deepEqual(await holders(), ['bob'])
      await applyConfiguredRoles(database, [role], silentLogger)
      assert.deepEqual(await holders(), ['bob'])
      await applyConfiguredRoles(database, [], silentLogger)
      const names = (await listRoles(db)).map(({ name }) => name)
      assert.deepEqual(names.sort(), ['admin', 'server', 'token', 'user'])
    })

    it('refuse unknown scopes, bad names and a changed admin', async t => {
      const database = await kind.open()
      t.after(() => database.close())
      for (const role of [{ name: 'teacher', scopes: ['fly'] }, { name: 'A' }, { name: 'admin', scopes: ['self'] }]) {
        await assert.rejects(applyConfiguredRoles(database, [role], silentLogger), { code: 'config_invalid' })
      }
    })
  })
}
