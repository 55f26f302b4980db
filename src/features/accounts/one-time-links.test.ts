import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { ensureDefaultRoles } from '../../access/role-grants.ts'
import { testDatabases } from '../../db/testing.ts'
import { createUser } from '../users/user-store.ts'
import { makeFirstAdminLink } from './first-admin-link.ts'
import { sqlOneTimeLinkStore } from './one-time-links.ts'
import { sqlAccountStore } from './store.ts'
import { testClock } from './testing.ts'

const HOUR_MS = 3600_000

for (const kind of testDatabases()) {
  describe(`one-time links on ${kind.name}`, () => {
    it('work once, also for many requests at once', async () => {
      const database = await kind.open()
      const clock = testClock()
      const links = sqlOneTimeLinkStore(database, clock)
      const expiresAt = new Date(clock.now().getTime() + HOUR_MS)
      const secret = await links.create({ purpose: 'reset-password', name: 'alice', expiresAt })

      const expected = { purpose: 'reset-password', name: 'alice' }
      assert.deepEqual(await links.peek(secret), expected)
      const used = await Promise.all(Array.from({ length: 5 }, () => links.consume(secret)))

      assert.deepEqual(used.filter(Boolean), [expected])
      assert.equal(await links.peek(secret), undefined)
      assert.equal(await links.consume('unknown'), undefined)
      await database.close()
    })

    it('end, and their secrets are not stored', async () => {
      const database = await kind.open()
      const clock = testClock()
      const links = sqlOneTimeLinkStore(database, clock)
      const expiresAt = new Date(clock.now().getTime() + HOUR_MS)
      const secret = await links.create({ purpose: 'first-admin', expiresAt })
      const stored = JSON.stringify(await database.db.selectFrom('orrery_one_time_links').selectAll().execute())
      assert.ok(!stored.includes(secret))

      clock.advance(HOUR_MS)

      assert.equal(await links.peek(secret), undefined)
      assert.equal(await links.consume(secret), undefined)
      await database.close()
    })

    it('for the first administrator are made until there is one who can sign in; a new one ends the old', async () => {
      const database = await kind.open()
      const clock = testClock()
      const stores = { accounts: sqlAccountStore(database, clock), links: sqlOneTimeLinkStore(database, clock) }
      const secret = (path?: string) => path?.replace('first-admin?link=', '') ?? ''

      const first = secret(await makeFirstAdminLink(database, stores, clock))
      const second = secret(await makeFirstAdminLink(database, stores, clock))
      assert.equal(await stores.links.peek(first), undefined)
      assert.deepEqual(await stores.links.peek(second), { purpose: 'first-admin', name: undefined })

      await ensureDefaultRoles(database.db)
      await createUser(database.db, { name: 'alice', admin: true })
      assert.notEqual(await makeFirstAdminLink(database, stores, clock), undefined)
      await stores.accounts.add({ name: 'alice', passwordHash: 'h', approved: true })
      assert.equal(await makeFirstAdminLink(database, stores, clock), undefined)
      await database.close()
    })
  })
}
