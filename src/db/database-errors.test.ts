import assert from 'node:assert/strict'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { describe, it } from 'node:test'
import { sql } from 'kysely'
import { silentLogger } from '../core/runtime.ts'
import type { Database } from './database.ts'
import { openDatabase } from './open-database.ts'
import { testDatabases } from './testing.ts'

const user = { name: 'alice', admin: false, cookie_id: 'c' }

describe('faults of a SQLite file', () => {
  it('a full disk is named, and the work goes on once there is space', async () => {
    await withFile(async database => {
      await sql`pragma max_page_count = 1`.execute(database.db) // SQLite takes the present size instead
      const fill = database.db.transaction().execute(async tx => {
        const state = 'x'.repeat(100_000)
        for (let n = 0; n < 9; n++)
          await tx
            .insertInto('users')
            .values({ ...user, name: `${n}`, cookie_id: `${n}`, state })
            .execute()
      })
      await assert.rejects(fill, { code: 'disk_full', status: 503 })

      await sql`pragma max_page_count = 100000`.execute(database.db)
      await database.db.insertInto('users').values(user).execute()
      assert.equal((await database.db.selectFrom('users').select('id').execute()).length, 1)
    })
  })

  it('one that may only be read is named', async () => {
    await withFile(async database => {
      await sql`pragma query_only = on`.execute(database.db)
      await assert.rejects(database.db.insertInto('users').values(user).execute(), { code: 'database_readonly' })
    })
  })

  it('waits without blocking while another process writes', async () => {
    await withFile(async (database, file) => {
      const other = new DatabaseSync(file)
      other.exec('begin immediate')
      let ticks = 0
      const ticking = setInterval(() => ticks++, 5)
      setTimeout(() => other.exec('commit'), 400)

      await database.db.insertInto('users').values(user).execute()

      clearInterval(ticking)
      assert.ok(ticks > 5, `the loop turned ${ticks} times`)
      other.close()
    })
  })

  it('lets those who wait for another process do so together, not one after the other', async () => {
    await withFile(async (database, file) => {
      const other = new DatabaseSync(file)
      other.exec('begin immediate')
      const add = (name: string) =>
        database.db
          .insertInto('users')
          .values({ ...user, name, cookie_id: name })
          .execute()
      const ends: number[] = []

      await Promise.all(['a', 'b', 'c'].map(name => add(name).catch(() => ends.push(performance.now()))))

      assert.equal(ends.length, 3)
      assert.ok(ends[2]! - ends[0]! < 2000, 'the last waited hardly longer than the first')
      other.close()
      await add('d')
    })
  })

  it('gives up when another process does not stop, and says so', async () => {
    await withFile(async (database, file) => {
      const other = new DatabaseSync(file)
      other.exec('begin immediate')

      await assert.rejects(database.db.insertInto('users').values(user).execute(), { code: 'database_locked' })

      assert.deepEqual(await database.db.selectFrom('users').selectAll().execute(), [])
      other.close()
    })
  })
})

for (const kind of testDatabases()) {
  if (kind.name !== 'PostgreSQL') continue
  describe('faults of PostgreSQL', () => {
    it('a broken connection fails one query and is replaced', async () => {
      const { url, drop } = await kind.create()
      const [database, other] = await Promise.all([1, 2].map(() => openDatabase(url, { log: silentLogger })))
      const own = await sql<{ pid: number }>`select pg_backend_pid() as pid`.execute(database!.db)
      const asleep = sql`select pg_sleep(30)`.execute(database!.db)
      const failed = assert.rejects(asleep, { code: 'database_unreachable' })
      while (
        (
          await sql`select 1 from pg_stat_activity where query like 'select pg_sleep%' and pid = ${own.rows[0]!.pid}`.execute(
            other!.db,
          )
        ).rows.length === 0
      );
      await sql`select pg_terminate_backend(${own.rows[0]!.pid})`.execute(other!.db)
      await failed

      await database!.db.insertInto('users').values(user).execute()
      await Promise.all([database!.close(), other!.close()])
      await drop()
    })

    it('a text that it cannot hold is the fault of who sent it', async () => {
      const database = await kind.open()
      for (const name of ['a\0b', 'x'.repeat(256)]) {
        const refused = database.db
          .insertInto('users')
          .values({ ...user, name })
          .execute()
        await assert.rejects(refused, { code: 'value_unusable', status: 400 })
      }
      await database.close()
    })
  })
}

async function withFile(body: (database: Database, file: string) => Promise<void>): Promise<void> {
  const folder = await mkdtemp(join(tmpdir(), 'orrery-db-'))
  const file = join(folder, 'hub.sqlite')
  const database = await openDatabase(`sqlite:///${file}`, { log: silentLogger })
  try {
    await body(database, file)
  } finally {
    await database.close()
    await rm(folder, { recursive: true })
  }
}
