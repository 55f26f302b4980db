import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { ensureDefaultRoles } from '../../access/role-grants.ts'
import { testDatabases } from '../../db/testing.ts'
import { createUser } from '../users/user-store.ts'
import { endSessions } from './end-sessions.ts'

for (const kind of testDatabases()) {
  describe(`end of sessions on ${kind.name}`, () => {
    it('changes the cookie id and takes tokens of browser sessions, of this user alone', async () => {
      const database = await kind.open()
      const { db } = database
      await ensureDefaultRoles(db)
      const [ada, bob] = [await createUser(db, { name: 'ada' }), await createUser(db, { name: 'bob' })]
      const token = (user_id: number, hashed: string, session_id: string | null) => ({
        user_id,
        hashed,
        prefix: 'p',
        session_id,
      })
      const tokens = [token(ada.id, 'made', null), token(ada.id, 'browser', 's1'), token(bob.id, 'other', 's2')]
      await db.insertInto('api_tokens').values(tokens).execute()
      const cookies = () => db.selectFrom('users').select('cookie_id').orderBy('id').execute()
      const before = await cookies()

      await endSessions(database, 'ada')
      await endSessions(database, 'nobody')

      const after = await cookies()
      assert.notEqual(after[0]!.cookie_id, before[0]!.cookie_id)
      assert.equal(after[1]!.cookie_id, before[1]!.cookie_id)
      const left = await db.selectFrom('api_tokens').select('hashed').orderBy('hashed').execute()
      assert.deepEqual(
        left.map(row => row.hashed),
        ['made', 'other'],
      )
      await database.close()
    })
  })
}
