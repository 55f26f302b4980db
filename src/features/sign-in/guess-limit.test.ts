import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { silentLogger } from '../../core/runtime.ts'
import type { Database } from '../../db/database.ts'
import { testDatabases } from '../../db/testing.ts'
import { testClock } from '../accounts/testing.ts'
import { createGuessLimit } from './guess-limit.ts'
import { addressSubjectOf } from './throttle-subjects.ts'

const LOCK_MS = 300_000
const WINDOW_MS = 600_000
const here = [addressSubjectOf('token-address', '192.0.2.7', 3)]
const there = [addressSubjectOf('token-address', '198.51.100.1', 3)]
const TOO_MANY = { code: 'too_many_guesses', status: 429 }

for (const kind of testDatabases()) {
  describe(`limit of guesses on ${kind.name}`, () => {
    const limitOn = (database: Database, clock = testClock(), log = silentLogger) =>
      createGuessLimit({
        db: database.db,
        what: 'token',
        kinds: ['token-address'],
        windowMs: WINDOW_MS,
        lockMs: LOCK_MS,
        clock,
        log,
      })

    it('stops an address after so many different ones, for the time set, and no other address', async () => {
      const database = await kind.open()
      const clock = testClock()
      const limit = limitOn(database, clock)
      for (const guess of ['a', 'b', 'c']) await limit.wrong(here, guess)

      await assert.rejects(limit.wrong(here, 'd'), { ...TOO_MANY, headers: { 'retry-after': '300' } })
      await assert.rejects(limit.wrong(here, 'a'), TOO_MANY)
      await assert.rejects(limit.check(here), TOO_MANY)
      await limit.wrong(there, 'd')
      await limit.check(there)
      clock.advance(LOCK_MS)
      await limit.check(here)
      await limit.wrong(here, 'e')
      await database.close()
    })

    it('counts a program that goes on with one old token once', async () => {
      const database = await kind.open()
      const limit = limitOn(database)
      for (let n = 0; n < 20; n++) {
        await limit.wrong(here, 'old')
        await limit.wrong(here, 'older')
      }
      const counted = await database.db.selectFrom('orrery_login_failures').select('failures').execute()

      assert.deepEqual(counted, [{ failures: 2 }])
      await database.close()
    })

    it('lets no more through when many come at once', async () => {
      const database = await kind.open()
      const limit = limitOn(database)
      const tries = Array.from({ length: 20 }, (_, n) => limit.wrong(here, `guess ${n}`))
      const outcomes = await Promise.allSettled(tries)

      assert.equal(outcomes.filter(({ status }) => status === 'fulfilled').length, 3)
      await database.close()
    })

    it('is known to a hub that starts anew and to the others, and asks nothing of the database for what is right', async () => {
      const database = await kind.open()
      const clock = testClock()
      for (const guess of ['a', 'b', 'c']) await limitOn(database, clock).wrong(here, guess)
      await assert.rejects(limitOn(database, clock).wrong(here, 'd'), TOO_MANY)

      const later = limitOn(database, clock)
      await assert.rejects(later.check(here), TOO_MANY)
      await database.close()
      await later.check(there)
      await assert.rejects(later.check(here), TOO_MANY)
    })

    it('is told to the log once, without the guesses', async () => {
      const database = await kind.open()
      const lines: string[] = []
      const warn = (fields: object, message: string) => void lines.push(`${message} ${JSON.stringify(fields)}`)
      const limit = limitOn(database, testClock(), { ...silentLogger, warn })
      for (let n = 0; n < 9; n++) await limit.wrong(here, `secret-${n}`).catch(() => {})

      assert.deepEqual(lines, ['too many wrong tokens {"subjects":["token-address:192.0.2.7"],"retryAfter":300}'])
      await database.close()
    })
  })
}
