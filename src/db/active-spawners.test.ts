import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { sql } from 'kysely'
import { activeSpawners } from './active-spawners.ts'
import { testDatabases } from './testing.ts'

for (const kind of testDatabases()) {
  describe(`active spawners on ${kind.name}`, () => {
    it('are those with an address and those at work', async t => {
      const { db, close } = await kind.open()
      t.after(close)
      await db.insertInto('users').values({ name: 'alice', admin: false, cookie_id: 'a' }).execute()
      const server = { proto: 'http', ip: '127.0.0.1', port: 1, base_url: '/', cookie_name: 'c' }
      const { id: serverId } = await db.insertInto('servers').values(server).returning('id').executeTakeFirstOrThrow()
      for (const name of ['stopped', 'running', 'starting', 'stopping']) {
        const address = name === 'running' || name === 'stopping' ? serverId : null
        await db.insertInto('spawners').values({ user_id: 1, name, server_id: address }).execute()
      }
      const run = { run_id: 'r', since: '2026-01-01 00:00:00.000000', percent: 0, message: '', failures: 0 }
      const phases = ['stopped', 'ready', 'spawning', 'stopping'] as const
      await db
        .insertInto('orrery_runs')
        .values(phases.map((phase, at) => ({ ...run, spawner_id: at + 1, phase })))
        .execute()

      const found = await activeSpawners(db, ['spawning', 'stopping']).execute()

      assert.deepEqual([...new Set(found.map(row => row.id))].sort(), [2, 3, 4])
    })
  })
}

describe('active spawners on SQLite', () => {
  it('are found without reading those that are stopped', async t => {
    const { db, close } = await testDatabases()[0]!.open()
    t.after(close)
    const { sql: text } = activeSpawners(db, ['spawning']).compile()

    const { rows } = await sql<{ detail: string }>`
      ${sql.raw(`explain query plan ${text.replace('(?)', "('spawning')")}`)}`.execute(db)

    assert.doesNotMatch(rows.map(row => row.detail).join('\n'), /^SCAN (spawners|orrery_runs)/m)
  })
})
