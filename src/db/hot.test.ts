import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { silentLogger } from '../core/runtime.ts'
import type { Database } from './database.ts'
import { kyselyHotReads } from './hot.ts'
import { openDatabase } from './open-database.ts'
import { testDatabases } from './testing.ts'

for (const kind of testDatabases()) {
  describe(`hot reads on ${kind.name}`, () => {
    it('answer as their kysely twins do', async () => {
      const database = await kind.open()
      await fill(database)
      const twin = kyselyHotReads(database.db)

      for (const prefix of ['aaaa', 'bbbb', 'none', "'", '']) {
        const tokens = await database.hot.findTokens(prefix)
        assert.deepEqual(tokens, await twin.findTokens(prefix))
        if (prefix === 'aaaa') {
          assert.equal(tokens.length, 2)
          assert.partialDeepStrictEqual(tokens, [
            { user_name: 'alice', user_admin: true, service_name: null, service_admin: null },
            { user_name: null, user_admin: null, service_name: 'cull', service_admin: false },
          ])
        }
      }
      for (const name of ['alice', 'bob', 'Alice', '']) {
        assert.deepEqual(await database.hot.findUserByName(name), await twin.findUserByName(name))
        assert.deepEqual(await database.hot.findUserByCookieId(name), await twin.findUserByCookieId(name))
      }
      assert.equal((await database.hot.findUserByCookieId('cookie-a'))?.name, 'alice')
      await database.close()
    })

    it('see what is committed and nothing else', async () => {
      const { url, drop } = await kind.create()
      const database = await openDatabase(url, { log: silentLogger })
      assert.equal(await database.hot.findUserByName('alice'), undefined)

      const during = await database.db.transaction().execute(async tx => {
        await tx.insertInto('users').values({ name: 'alice', admin: true, cookie_id: 'cookie-a' }).execute()
        return database.hot.findUserByName('alice')
      })

      assert.equal(during, undefined)
      assert.equal((await database.hot.findUserByName('alice'))?.admin, true)
      await database.close()
      await drop()
    })
  })
}

async function fill({ db }: Database): Promise<void> {
  await db.insertInto('users').values({ name: 'alice', admin: true, cookie_id: 'cookie-a' }).execute()
  await db.insertInto('users').values({ name: 'bob', admin: false, cookie_id: 'cookie-b' }).execute()
  const service = { name: 'cull', admin: false, display: true, oauth_no_confirm: false, timeout: 30, from_config: true }
  await db.insertInto('services').values(service).execute()
  await db
    .insertInto('api_tokens')
    .values([
      { user_id: 1, hashed: 'h1', prefix: 'aaaa', scopes: '["inherit"]', expires_at: '2030-01-01 00:00:00.000000' },
      { service_id: 1, hashed: 'h2', prefix: 'aaaa', note: 'n' },
      { user_id: 2, hashed: 'h3', prefix: 'bbbb' },
    ])
    .execute()
}
