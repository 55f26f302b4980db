import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { silentLogger } from '../../core/runtime.ts'
import { testDatabases } from '../../db/testing.ts'
import { testClock } from '../accounts/testing.ts'
import { applyConfiguredRoles } from '../roles/configured-roles.ts'
import { createUserNames } from '../users/user-names.ts'
import { applyConfiguredGroups } from './configured-groups.ts'
import { findGroup, withMembers } from './store.ts'

for (const kind of testDatabases()) {
  describe(`groups of the config on ${kind.name}`, () => {
    it('are made with their members and added to, and nobody is taken out', async t => {
      const database = await kind.open()
      t.after(() => database.close())
      const deps = { database, names: createUserNames(), clock: testClock(), log: silentLogger }
      await applyConfiguredRoles(deps, undefined)

      await applyConfiguredGroups(deps, { physics: { users: ['Ada'], properties: { memory: '4G' } }, empty: {} })
      await applyConfiguredGroups(deps, { physics: { users: ['grace'] } })
      await applyConfiguredGroups(deps, {})

      const group = (await findGroup(database.db, 'physics'))!
      const [physics] = await withMembers(database.db, [group])
      assert.deepEqual(physics!.users, ['ada', 'grace'])
      assert.deepEqual(JSON.parse(group.properties!), { memory: '4G' })
      assert.ok(await findGroup(database.db, 'empty'))
    })

    it('are refused with a member that cannot be a user', async t => {
      const database = await kind.open()
      t.after(() => database.close())
      const deps = { database, names: createUserNames(), clock: testClock(), log: silentLogger }
      await applyConfiguredRoles(deps, undefined)
      const faulty = applyConfiguredGroups(deps, { physics: { users: ['a/b'] } })
      await assert.rejects(faulty, { code: 'invalid_user_name', message: /groups\.physics/ })
      assert.equal(await findGroup(database.db, 'physics'), undefined)
    })
  })
}
