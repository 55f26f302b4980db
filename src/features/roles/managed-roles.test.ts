import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { ensureDefaultRoles, grantRole } from '../../access/role-grants.ts'
import { silentLogger } from '../../core/runtime.ts'
import type { Database } from '../../db/database.ts'
import { testDatabases } from '../../db/testing.ts'
import { testClock } from '../accounts/testing.ts'
import { createUserNames } from '../users/user-names.ts'
import { createUser } from '../users/user-store.ts'
import { applyManagedRoles } from './managed-roles.ts'
import { findRole, listRoles, putRole } from './store.ts'

for (const kind of testDatabases()) {
  describe(`roles that the authenticator names at the start, on ${kind.name}`, () => {
    it('are made, changed and marked; whoever is listed is made and holds them', async t => {
      const { database, apply, holders } = await setUp(t)
      await apply([
        { name: 'reader', description: 'Reads', scopes: ['list:users'], users: ['ada', 'newcomer'], groups: ['staff'] },
      ])
      assert.partialDeepStrictEqual(await findRole(database.db, 'reader'), {
        description: 'Reads',
        managed_by_auth: true,
      })
      assert.deepEqual(await holders('reader'), ['ada true', 'newcomer true', 'staff true'])

      await apply([{ name: 'reader', scopes: ['read:hub'] }])
      assert.equal((await findRole(database.db, 'reader'))!.scopes, '["read:hub"]')
      assert.deepEqual(await holders('reader'), ['ada true', 'newcomer true'])
      await apply([{ name: 'reader', scopes: ['read:hub'], users: ['ada'] }])
      assert.deepEqual(await holders('reader'), ['ada true'])
    })

    it('make administrators of those who are listed for admin', async t => {
      const { database, apply } = await setUp(t)
      await apply([{ name: 'admin', users: ['ada'] }])
      const ada = await database.db.selectFrom('users').select('admin').where('name', '=', 'ada').executeTakeFirst()
      assert.equal(ada?.admin, true)
    })

    it('stay when they are not named any more, unless a reset is asked for', async t => {
      const { database, apply, holders, ada } = await setUp(t)
      const { db } = database
      await putRole(db, { name: 'of-the-config', description: '', scopes: [] })
      await grantRole(db, { kind: 'user', id: ada.id }, 'of-the-config', { managedByAuth: true })
      await apply([{ name: 'one', users: ['ada'] }, { name: 'two' }])

      await apply([{ name: 'one' }])
      assert.ok(await findRole(db, 'two'))

      await apply([{ name: 'one' }], { reset: true })
      assert.equal(await findRole(db, 'two'), undefined)
      assert.deepEqual(await holders('one'), ['ada true'])
      assert.deepEqual(await holders('of-the-config'), [])
      assert.deepEqual(await holders('user'), ['ada false'])
      assert.equal((await listRoles(db)).length, 6)
    })

    it('are refused as a whole when one of them cannot be', async t => {
      const { database, apply } = await setUp(t)
      for (const wrong of [{ name: 'A' }, { name: 'odd', scopes: ['fly'] }, { name: 'admin', scopes: ['self'] }]) {
        await assert.rejects(apply([{ name: 'good' }, wrong]), { code: 'managed_role_invalid' })
      }
      assert.equal(await findRole(database.db, 'good'), undefined)
    })
  })

  async function setUp(t: { after(end: () => Promise<void>): void }) {
    const database = await kind.open()
    t.after(() => database.close())
    await ensureDefaultRoles(database.db)
    const ada = await createUser(database.db, { name: 'ada' })
    const deps = { database, names: createUserNames(), clock: testClock(), log: silentLogger }
    return {
      database,
      ada,
      apply: (told: Parameters<typeof applyManagedRoles>[1], { reset = false } = {}) =>
        applyManagedRoles(deps, told, { reset }),
      holders: (role: string) => holdersOf(database, role),
    }
  }
}

/** `ada true`: name, and whether the authenticator gave it. */
async function holdersOf({ db }: Database, role: string): Promise<string[]> {
  const users = await db
    .selectFrom('user_role_map as map')
    .innerJoin('roles', 'roles.id', 'map.role_id')
    .innerJoin('users', 'users.id', 'map.user_id')
    .select(['users.name', 'map.managed_by_auth'])
    .where('roles.name', '=', role)
    .execute()
  const groups = await db
    .selectFrom('group_role_map as map')
    .innerJoin('roles', 'roles.id', 'map.role_id')
    .innerJoin('groups', 'groups.id', 'map.group_id')
    .select(['groups.name', 'map.managed_by_auth'])
    .where('roles.name', '=', role)
    .execute()
  return [...users, ...groups].map(row => `${row.name} ${row.managed_by_auth}`).sort()
}
