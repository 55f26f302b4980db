import assert from 'node:assert/strict'
import { once } from 'node:events'
import { describe, it } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { acquireLease, acquireLeaseAndWrite, type Lease, withLease } from './leases.ts'
import { testDatabases } from './testing.ts'

const LONG_MS = 60_000

for (const kind of testDatabases()) {
  describe(`lease on ${kind.name}`, () => {
    it('is held by one at a time, also of many who ask at once', async () => {
      const database = await kind.open()
      const asked = Array.from({ length: 8 }, (_, n) => acquireLease(database, 'spawn:alice/', `hub-${n}`, LONG_MS))

      const got = (await Promise.all(asked)).filter(lease => lease !== undefined)

      assert.equal(got.length, 1)
      assert.equal(await acquireLease(database, 'spawn:alice/', got[0]!.holder, LONG_MS), undefined)
      assert.ok(await acquireLease(database, 'spawn:bob/', 'hub-b', LONG_MS))
      await database.close()
    })

    it('passes to another when given up, with a higher epoch', async () => {
      const database = await kind.open()
      const first = await acquireLease(database, 'x', 'hub-a', LONG_MS)
      await first!.release()

      const second = await acquireLease(database, 'x', 'hub-b', LONG_MS)

      assert.equal(second?.epoch, first!.epoch + 1)
      assert.equal(await first!.renew(), false)
      assert.equal(first!.lost.aborted, false)
      await database.close()
    })

    it('is not taken where the first write fails, and the write is not run where it is another’s', async () => {
      const database = await kind.open()
      const asked = { name: 'x', holder: 'hub-a', termMs: LONG_MS }
      const refused = new Error('refused')

      await assert.rejects(
        acquireLeaseAndWrite(database, asked, () => Promise.reject(refused)),
        refused,
      )
      const taken = await acquireLeaseAndWrite(database, asked, async () => 'written')
      const late = await acquireLeaseAndWrite(database, { ...asked, holder: 'hub-b' }, () =>
        assert.fail('the lease is held'),
      )

      assert.equal(taken?.written, 'written')
      assert.equal(taken?.lease.epoch, 1)
      assert.equal(late, undefined)
      await taken!.lease.release()
      await database.close()
    })

    it('is given up by its last write, or kept when that says so', async () => {
      const database = await kind.open()
      const first = (await acquireLease(database, 'x', 'hub-a', LONG_MS))!

      assert.equal(await first.finish(async () => undefined), undefined)
      assert.equal(await acquireLease(database, 'x', 'hub-b', LONG_MS), undefined)
      assert.equal(await first.renew(), true)
      assert.equal(await first.finish(async () => 'done'), 'done')
      assert.equal(await first.renew(), false)
      const second = await acquireLease(database, 'x', 'hub-b', LONG_MS)

      assert.equal(second?.epoch, first.epoch + 1)
      await assert.rejects(
        first.finish(async () => 'late'),
        { code: 'lease_lost' },
      )
      await second!.release()
      await database.close()
    })

    it('passes to another when its holder is silent for the whole term, whose late writes find no row', async () => {
      const database = await kind.open()
      const first = await acquireLease(database, 'x', 'hub-a', LONG_MS)
      await silence(first!)

      const second = await acquireLease(database, 'x', 'hub-b', LONG_MS)

      assert.equal(second?.epoch, first!.epoch + 1)
      await assert.rejects(
        withLease(database, first!, () => assert.fail('must not run')),
        { code: 'lease_lost' },
      )
      assert.equal(await withLease(database, second!, async () => 'written'), 'written')
      assert.equal(await first!.renew(), false)
      assert.equal(first!.lost.reason.code, 'lease_lost')
      await database.close()

      /** As if the process stood still: its row is overdue. */
      async function silence(lease: Lease): Promise<void> {
        await database.db
          .updateTable('orrery_leases')
          .set({ expires_at: '2020-01-01 00:00:00.000000' })
          .where('name', '=', lease.name)
          .execute()
      }
    })

    it('renews itself for as long as it is wanted', async () => {
      const database = await kind.open()
      const lease = await acquireLease(database, 'x', 'hub-a', 600)
      const until = async () =>
        (await database.db.selectFrom('orrery_leases').select('expires_at').executeTakeFirstOrThrow()).expires_at
      const first = await until()

      while ((await until()) === first) await sleep(20)

      assert.ok((await until()) > first)
      assert.equal(lease!.lost.aborted, false)
      await lease!.release()
      await database.close()
    })

    it('tells its holder when another took it', async () => {
      const database = await kind.open()
      const lease = await acquireLease(database, 'x', 'hub-a', 90)
      const lost = once(lease!.lost, 'abort')
      await database.db.updateTable('orrery_leases').set({ holder: 'hub-b', epoch: 2 }).execute()

      const held = setTimeout(() => {}, LONG_MS) // the lease's own timer keeps no process alive
      await lost
      clearTimeout(held)

      assert.equal(lease!.lost.reason.code, 'lease_lost')
      await database.close()
    })

    it('is lost when the database does not answer for a term', async () => {
      const database = await kind.open()
      const lease = await acquireLease(database, 'x', 'hub-a', 90)
      const lost = once(lease!.lost, 'abort')
      await database.close()

      const held = setTimeout(() => {}, LONG_MS)
      await lost
      clearTimeout(held)

      assert.equal(lease!.lost.reason.code, 'lease_lost')
    })
  })
}
