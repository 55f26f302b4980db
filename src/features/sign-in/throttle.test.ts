import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { testDatabases } from '../../db/testing.ts'
import { testClock } from '../accounts/testing.ts'
import { createThrottle } from './throttle.ts'
import { addressSubject, nameSubject } from './throttle-subjects.ts'

const limits = { failures: 3, addressFailures: 12, windowMs: 600_000, lockMs: 300_000 }
const alice = nameSubject('alice', limits)

for (const kind of testDatabases()) {
  describe(`throttle on ${kind.name}`, () => {
    it('locks after so many failures, for the time set, and then gives as many tries again', async () => {
      const database = await kind.open()
      const clock = testClock()
      const throttle = createThrottle(database.db, limits, clock)
      const fail = async () => {
        const wait = await throttle.begin([alice])
        if (!wait) await throttle.failed([alice])
        return wait?.retryAfter
      }

      assert.deepEqual([await fail(), await fail(), await fail()], [undefined, undefined, undefined])
      assert.equal(await fail(), 300)
      clock.advance(299_500)
      assert.equal(await fail(), 1)
      clock.advance(500)
      assert.deepEqual([await fail(), await fail(), await fail()], [undefined, undefined, undefined])
      assert.equal(await fail(), 300)
      await database.close()
    })

    it('forgets failures that are older than the window', async () => {
      const database = await kind.open()
      const clock = testClock()
      const throttle = createThrottle(database.db, limits, clock)
      for (let n = 0; n < 10; n++) {
        assert.equal(await throttle.begin([alice]), undefined)
        await throttle.failed([alice])
        if (n % 2 === 1) clock.advance(limits.windowMs)
      }
      await database.close()
    })

    it('lets no more tries through than the limit, however many come at once', async () => {
      const database = await kind.open()
      const throttle = createThrottle(database.db, limits, testClock())

      const waits = await Promise.all(Array.from({ length: 20 }, () => throttle.begin([alice])))

      assert.equal(waits.filter(wait => wait === undefined).length, limits.failures)
      await database.close()
    })

    it('is shared by all hubs and outlives a restart', async () => {
      const database = await kind.open()
      const clock = testClock()
      for (let n = 0; n < 3; n++) {
        const hub = createThrottle(database.db, limits, clock)
        await hub.begin([alice])
        await hub.failed([alice])
      }
      assert.ok(await createThrottle(database.db, limits, clock).begin([alice]))
      await database.close()
    })

    it('counts no try of an address while the name is locked', async () => {
      const database = await kind.open()
      const throttle = createThrottle(database.db, limits, testClock())
      const address = addressSubject('192.0.2.7', limits)
      for (let n = 0; n < 3; n++) await throttle.begin([alice])
      for (let n = 0; n < 50; n++) assert.ok(await throttle.begin([address, alice]))
      assert.equal(await throttle.begin([address]), undefined)
      await database.close()
    })

    it('keeps its table small', async () => {
      const database = await kind.open()
      const clock = testClock()
      const throttle = createThrottle(database.db, limits, clock)
      for (let n = 0; n < 150; n++) await throttle.begin([nameSubject(`guess-${n}`, limits)])
      clock.advance(limits.windowMs + 1)
      for (let n = 0; n < 60; n++) await throttle.begin([nameSubject(`other-${n}`, limits)])
      const rows = await database.db.selectFrom('orrery_login_failures').select('subject').execute()
      assert.ok(rows.length <= 60, `${rows.length} rows`)
      await database.close()
    })
  })
}

describe('subject of a throttle', () => {
  it('is short and plain whatever was typed', () => {
    for (const name of ['x'.repeat(10_000), 'a b', 'é', '\0', '']) {
      assert.match(nameSubject(name, limits).key, /^name:sha256:[0-9a-f]{64}$/)
    }
    assert.equal(alice.key, 'name:alice')
  })

  it('is the network that one person is given', () => {
    const key = (address: string) => addressSubject(address, limits).key
    assert.equal(key('192.0.2.7'), 'address:192.0.2.7')
    assert.equal(key('::ffff:192.0.2.7'), 'address:192.0.2.7')
    assert.equal(key('2001:db8:1:2:3:4:5:6'), 'address:2001:db8:1:2::/64')
    assert.equal(key('2001:0db8:1:2::1'), 'address:2001:db8:1:2::/64')
    assert.equal(key('2001:db8::1'), 'address:2001:db8:0:0::/64')
    assert.equal(key('::1'), 'address:0:0:0:0::/64')
  })
})
