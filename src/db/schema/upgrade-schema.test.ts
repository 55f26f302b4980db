import assert from 'node:assert/strict'
import { mkdtemp, readdir, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, it } from 'node:test'
import { sql } from 'kysely'
import { silentLogger } from '../../core/runtime.ts'
import { parseDatabaseUrl } from '../database-url.ts'
import { connectDatabase, openDatabase } from '../open-database.ts'
import { testDatabases } from '../testing.ts'
import { makeOld } from './old-schema-testing.ts'
import { upgradeSchema } from './upgrade-schema.ts'

for (const kind of testDatabases()) {
  describe(`upgrade of a database on ${kind.name}`, () => {
    it('keeps every row of a JupyterHub 4 and makes it ready to open', async () => {
      const { url, drop } = await kind.create()
      await makeOld(url, '0eee8c825d24')
      const old = connectDatabase(parseDatabaseUrl(url), silentLogger)
      await sql`insert into users (name, admin, cookie_id) values ('alice', true, 'c')`.execute(old.db)
      await sql`insert into roles (name, scopes) values ('user', '["self"]')`.execute(old.db)
      await sql`insert into user_role_map (user_id, role_id) values (1, 1)`.execute(old.db)
      await old.close()
      await assert.rejects(openDatabase(url, { log: silentLogger }), { code: 'database_too_old' })

      const done = await upgradeSchema(url, { log: silentLogger })

      assert.equal(done.from, '0eee8c825d24')
      const database = await openDatabase(url, { log: silentLogger })
      assert.equal((await database.db.selectFrom('users').select('name').executeTakeFirst())?.name, 'alice')
      const roles = await database.db.selectFrom('user_role_map').selectAll().execute()
      assert.deepEqual(roles, [{ user_id: 1, role_id: 1, managed_by_auth: false }])
      assert.deepEqual(await database.db.selectFrom('shares').selectAll().execute(), [])
      await database.close()
      await drop()
    })

    it('has nothing to do a second time', async () => {
      const { url, drop } = await kind.create()
      await makeOld(url, '4621fec11365')
      await upgradeSchema(url, { log: silentLogger })
      const again = await upgradeSchema(url, { log: silentLogger })
      assert.deepEqual(again, { from: 'f460b0348206', to: 'f460b0348206', backup: undefined })
      await drop()
    })

    it('refuses what is unknown, before JupyterHub 3, or not a hub at all, and leaves it alone', async () => {
      const { url, drop } = await kind.create()
      await openDatabase(url, { log: silentLogger }).then(database => database.close())
      for (const [revision, code] of [
        ['0123456789ab', 'database_too_new'],
        ['833da8570507', 'database_too_old'],
      ]) {
        const database = connectDatabase(parseDatabaseUrl(url), silentLogger)
        await database.db.updateTable('alembic_version').set({ version_num: revision! }).execute()
        await assert.rejects(upgradeSchema(url, { log: silentLogger }), { code })
        assert.equal((await database.db.selectFrom('alembic_version').selectAll().execute())[0]?.version_num, revision)
        await database.close()
      }
      await drop()
    })
  })
}

describe('upgrade of a SQLite file', () => {
  it('copies the file first, and takes all changes back when one fails', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'orrery-upgrade-'))
    const url = `sqlite:///${folder}/hub.sqlite`
    await makeOld(url, '0eee8c825d24')
    const old = connectDatabase(parseDatabaseUrl(url), silentLogger)
    await sql`alter table users add column user_info text`.execute(old.db) // stands in the way of a later step
    await old.close()

    await assert.rejects(upgradeSchema(url, { log: silentLogger, now: new Date('2026-01-02T03:04:05Z') }))

    const after = connectDatabase(parseDatabaseUrl(url), silentLogger)
    assert.equal((await after.db.selectFrom('alembic_version').selectAll().execute())[0]?.version_num, '0eee8c825d24')
    await assert.rejects(after.db.selectFrom('roles').select('managed_by_auth').execute())
    await after.close()
    assert.ok((await readdir(folder)).includes('hub.sqlite.2026-01-02-030405'))
    await rm(folder, { recursive: true })
  })

  it('does not make a file that was not there', async () => {
    await assert.rejects(upgradeSchema('sqlite:////nowhere/hub.sqlite', { log: silentLogger }), {
      code: 'database_missing',
    })
  })
})
