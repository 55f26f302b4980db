import assert from 'node:assert/strict'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, it } from 'node:test'
import type { HubError } from '../core/errors.ts'
import { silentLogger } from '../core/runtime.ts'
import { isUniqueViolation } from './database-errors.ts'
import { openDatabase } from './open-database.ts'
import { testDatabases } from './testing.ts'

const newUser = { name: 'alice', admin: true, cookie_id: 'c1' }

for (const kind of testDatabases()) {
  describe(`open database on ${kind.name}`, () => {
    it('takes and gives booleans, bytes and times alike', async () => {
      const { db, close } = await kind.open()
      const created = '2026-01-02 03:04:05.500000'
      const values = { ...newUser, created, encrypted_auth_state: new Uint8Array([0, 255]) }

      const stored = await db.insertInto('users').values(values).returningAll().executeTakeFirstOrThrow()
      const read = await db.selectFrom('users').selectAll().where('admin', '=', true).executeTakeFirstOrThrow()

      for (const row of [stored, read]) {
        assert.equal(row.admin, true)
        assert.equal(row.created, created)
        assert.deepEqual([...row.encrypted_auth_state!], [0, 255])
        assert.equal(Object.getPrototypeOf(row), Object.prototype)
      }
      await close()
    })

    it('takes back everything of a transaction that fails, and goes on', async () => {
      const { db, close } = await kind.open()
      const failed = db.transaction().execute(async tx => {
        await tx.insertInto('users').values(newUser).execute()
        throw new Error('changed my mind')
      })

      await assert.rejects(failed, /changed my mind/)
      assert.deepEqual(await db.selectFrom('users').selectAll().execute(), [])
      await close()
    })

    it('keeps what others do out of a transaction', async () => {
      const { db, close } = await kind.open()
      const seen: number[] = []
      const transaction = db.transaction().execute(async tx => {
        await tx.insertInto('users').values(newUser).execute()
        seen.push(await count(tx))
      })
      const outside = db
        .insertInto('users')
        .values({ ...newUser, name: 'bob', cookie_id: 'c2' })
        .execute()
      await Promise.all([transaction, outside])

      if (kind.name === 'SQLite') assert.deepEqual(seen, [1])
      assert.equal(await count(db), 2)
      await close()

      async function count(on: typeof db): Promise<number> {
        const { n } = await on
          .selectFrom('users')
          .select(e => e.fn.countAll<number>().as('n'))
          .executeTakeFirstOrThrow()
        return n
      }
    })

    it('tells a taken name from other failures', async () => {
      const { db, close } = await kind.open()
      await db.insertInto('users').values(newUser).execute()
      await assert.rejects(
        db
          .insertInto('users')
          .values({ ...newUser, cookie_id: 'x' })
          .execute(),
        error => isUniqueViolation(error),
      )
      await assert.rejects(
        db.insertInto('spawners').values({ user_id: 99, name: '' }).execute(),
        error => !isUniqueViolation(error),
      )
      await close()
    })

    it('has the clock of the database', async () => {
      const database = await kind.open()
      assert.ok(Math.abs((await database.now()).getTime() - Date.now()) < 60_000)
      await database.close()
    })

    it('makes the tables once when two hubs start on one empty database, and keeps them', async () => {
      const { url, drop } = await kind.create()
      const open = () => openDatabase(url, { log: silentLogger })
      const [one, two] = await Promise.all([open(), open()])
      await one.db.insertInto('users').values(newUser).execute()
      assert.equal((await two.db.selectFrom('users').selectAll().execute()).length, 1)
      await Promise.all([one.close(), two.close()])
      await drop()
    })

    it('refuses versions that it does not know or that are too old, and empty ones where none shall be made', async () => {
      const { url, drop } = await kind.create()
      await assert.rejects(openDatabase(url, { log: silentLogger, create: false }), { code: 'database_missing' })
      const database = await openDatabase(url, { log: silentLogger })
      await stamp('0123456789ab')
      await assert.rejects(openDatabase(url, { log: silentLogger }), { code: 'database_too_new' })
      await stamp('4621fec11365')
      await assert.rejects(openDatabase(url, { log: silentLogger }), {
        code: 'database_too_old',
        nextStep: /orrery db upgrade/,
      })
      await database.close()
      await drop()

      async function stamp(version_num: string): Promise<void> {
        await database.db.updateTable('alembic_version').set({ version_num }).execute()
      }
    })
  })
}

describe('a database that cannot be opened', () => {
  it('is told apart: no database, no folder, no server', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'orrery-db-'))
    await writeFile(join(folder, 'text.sqlite'), 'this is not a database, just a text that is long enough'.repeat(20))
    const open = (url: string) => openDatabase(url, { log: silentLogger })

    await assert.rejects(open(`sqlite:///${folder}/text.sqlite`), { code: 'database_corrupt' })
    await assert.rejects(open(`sqlite:///${folder}/none/hub.sqlite`), { code: 'database_unreachable' })
    await assert.rejects(open('postgresql://u:secret@127.0.0.1:1/hub'), error => {
      assert.equal((error as HubError).code, 'database_unreachable')
      return !JSON.stringify((error as { detail: unknown }).detail).includes('secret')
    })
    await rm(folder, { recursive: true })
  })
})
