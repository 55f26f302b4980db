import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { ensureDefaultRoles } from '../../access/role-grants.ts'
import type { Logger } from '../../core/runtime.ts'
import { testDatabases } from '../../db/testing.ts'
import { createUser } from '../users/user-store.ts'
import { settleInvalidServerNames } from './rename-invalid-servers.ts'

for (const kind of testDatabases()) {
  describe(`servers from before JupyterHub 6 on ${kind.name}`, () => {
    it('are named anew when they do not run, and warned of otherwise', async t => {
      const database = await kind.open()
      t.after(() => database.close())
      const { db } = database
      await ensureDefaultRoles(db)
      const { id: user_id } = await createUser(db, { name: 'ada' })
      const add = (name: string, more: object = {}) =>
        db
          .insertInto('spawners')
          .values({ user_id, name, display_name: '', state: null, user_options: null, ...more })
          .execute()
      for (const name of ['', 'my-gpu', 'My GPU', 'fine']) await add(name)
      await add('Busy One', { started: '2026-01-01 00:00:00.000000' })
      const names = async () =>
        (await db.selectFrom('spawners').select(['name', 'display_name']).orderBy('id').execute()).map(
          ({ name, display_name }) => `${name}: ${display_name}`,
        )
      const told: string[] = []

      await settleInvalidServerNames({ database, log: telling(told) }, { rename: false })
      assert.deepEqual(told.splice(0), ['warn named servers have names that are not allowed any more'])
      assert.ok((await names()).includes('My GPU: '))

      await settleInvalidServerNames({ database, log: telling(told) }, { rename: true })

      assert.deepEqual(await names(), [': ', 'my-gpu: ', 'my-gpu-20462888: My GPU', 'fine: ', 'Busy One: '])
      assert.deepEqual(told, [
        'info server renamed',
        'error server runs under a name that is not allowed any more, not renamed',
      ])
    })
  })
}

function telling(told: string[]): Logger {
  const at = (level: string) => (_fields: object, message: string) => void told.push(`${level} ${message}`)
  const log: Logger = { debug: at('debug'), info: at('info'), warn: at('warn'), error: at('error'), child: () => log }
  return log
}
