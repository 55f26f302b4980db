import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { silentLogger } from '../../core/runtime.ts'
import { testDatabases } from '../../db/testing.ts'
import { testClock } from '../accounts/testing.ts'
import { createUserNames } from '../users/user-names.ts'
import { createUser } from '../users/user-store.ts'
import { ensureRolesAndUsers } from './default-roles.ts'

for (const kind of testDatabases()) {
  describe(`start on ${kind.name}`, () => {
    it('makes the default roles and the users of the config, and changes nothing the second time', async () => {
      const database = await kind.open()
      const deps = { database, names: createUserNames(), clock: testClock(), log: silentLogger }
      const configured = { adminUsers: ['Ada'], allowedUsers: ['bob', 'ada'] }

      await ensureRolesAndUsers(deps, configured)
      await ensureRolesAndUsers(deps, configured)

      const roles = await database.db.selectFrom('roles').select(['name', 'scopes']).orderBy('name').execute()
      assert.deepEqual(
        roles.map(role => role.name),
        ['admin', 'server', 'token', 'user'],
      )
      assert.deepEqual(JSON.parse(roles[3]!.scopes!), ['self'])
      assert.deepEqual(await grants(), ['ada admin', 'ada user', 'bob user'])
      await database.close()

      async function grants(): Promise<string[]> {
        const rows = await database.db
          .selectFrom('user_role_map')
          .innerJoin('users', 'users.id', 'user_role_map.user_id')
          .innerJoin('roles', 'roles.id', 'user_role_map.role_id')
          .select(['users.name as user', 'roles.name as role'])
          .execute()
        return rows.map(row => `${row.user} ${row.role}`).sort()
      }
    })

    it('makes administrators of users that are there, and takes it from nobody', async () => {
      const database = await kind.open()
      const deps = { database, names: createUserNames(), clock: testClock(), log: silentLogger }
      await ensureRolesAndUsers(deps, { adminUsers: ['ada'], allowedUsers: [] })
      await createUser(database.db, { name: 'bob' })

      await ensureRolesAndUsers(deps, { adminUsers: ['bob'], allowedUsers: ['ada'] })

      const admins = await database.db
        .selectFrom('users')
        .select('name')
        .where('admin', '=', true)
        .orderBy('name')
        .execute()
      assert.deepEqual(
        admins.map(user => user.name),
        ['ada', 'bob'],
      )
      await database.close()
    })

    it('is refused with a name in the config that cannot be a user', async () => {
      const database = await kind.open()
      const deps = { database, names: createUserNames(), clock: testClock(), log: silentLogger }
      await assert.rejects(ensureRolesAndUsers(deps, { adminUsers: ['a/b'], allowedUsers: [] }), {
        code: 'invalid_user_name',
        message: /access\.adminUsers/,
      })
      assert.deepEqual(await database.db.selectFrom('users').select('name').execute(), [])
      await database.close()
    })
  })
}
