import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { sql } from 'kysely'
import { silentLogger } from '../../core/runtime.ts'
import type { Db } from '../database.ts'
import { openDatabase } from '../open-database.ts'
import { testDatabases } from '../testing.ts'
import { hasOwnIndexes } from './own-indexes.ts'

/** Of which a hub has few: reading all of them is as quick as an index. */
const SMALL_TABLES = new Set(['services', 'service_role_map', 'group_role_map'])

describe('own indexes', () => {
  it('let rows be found by every foreign key of a table that grows with users', async () => {
    const { db, close } = await openDatabase('sqlite://', { log: silentLogger })

    const { rows } = await sql<{ place: string; indexed: number }>`
      select m.name || '.' || f."from" as place, exists (
        select 1 from pragma_index_list(m.name) i, pragma_index_info(i.name) x where x.seqno = 0 and x.name = f."from"
      ) or exists (select 1 from pragma_table_info(m.name) c where c.pk = 1 and c.name = f."from") as indexed
      from sqlite_master m, pragma_foreign_key_list(m.name) f where m.type = 'table'`.execute(db)

    const bare = rows.filter(row => !row.indexed && !SMALL_TABLES.has(row.place.split('.')[0]!))
    assert.ok(rows.length > 20)
    assert.deepEqual(
      bare.map(row => row.place),
      [],
    )
    await close()
  })

  it('let the servers of a user be read without reading those of others', async () => {
    const { db, close } = await openDatabase('sqlite://', { log: silentLogger })

    const plan = await planOf(db, 'select name from spawners where user_id = 1')

    assert.match(plan, /SEARCH spawners USING INDEX/)
    await close()
  })

  for (const kind of testDatabases()) {
    it(`are made at the next start when they are missing, on ${kind.name}`, async () => {
      const { url, drop } = await kind.create()
      const first = await openDatabase(url, { log: silentLogger })
      await sql`drop index ix_orrery_spawners_user_id`.execute(first.db)
      const before = await hasOwnIndexes(first.db, first.dialect)
      await first.close()

      const second = await openDatabase(url, { log: silentLogger })

      assert.equal(before, false)
      assert.equal(await hasOwnIndexes(second.db, second.dialect), true)
      await second.close()
      await drop()
    })
  }
})

async function planOf(db: Db, statement: string): Promise<string> {
  const { rows } = await sql<{ detail: string }>`${sql.raw(`explain query plan ${statement}`)}`.execute(db)
  return rows.map(row => row.detail).join('\n')
}
