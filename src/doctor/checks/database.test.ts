import assert from 'node:assert/strict'
import { closeSync, mkdirSync, openSync, statSync, writeFileSync, writeSync } from 'node:fs'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { describe, it } from 'node:test'
import pg from 'pg'
import { silentLogger } from '../../core/runtime.ts'
import { openDatabase } from '../../db/open-database.ts'
import { testDatabases } from '../../db/testing.ts'
import { levels, siteFor, type TestSite } from '../testing.ts'
import { databaseCheck } from './database.ts'

async function siteWithDatabase(): Promise<TestSite & { file: string }> {
  const made = await siteFor()
  mkdirSync(made.site.paths.hub, { mode: 0o700 })
  const file = join(made.site.paths.hub, 'jupyterhub.sqlite')
  await (await openDatabase(made.site.config.dbUrl, { log: silentLogger })).close()
  return { ...made, file }
}

/** Something is wrong with a file that was right. */
function change(file: string, statements: string): void {
  const database = new DatabaseSync(file)
  database.exec(statements)
  database.close()
}

function read(file: string, statement: string): Record<string, unknown> {
  const database = new DatabaseSync(file)
  const row = database.prepare(statement).get()
  database.close()
  return row!
}

describe('the database as the doctor sees it', () => {
  it('is there, can be written to, whole and of the right version', async () => {
    await using made = await siteWithDatabase()
    const { mtimeMs } = statSync(made.file)

    const found = await made.run(databaseCheck)

    assert.deepEqual(levels(found), {
      reachable: 'ok',
      writable: 'ok',
      version: 'ok',
      intact: 'ok',
      'file-system': 'ok',
    })
    assert.equal(statSync(made.file).mtimeMs, mtimeMs, 'nothing was changed')
  })

  it('is damaged', async () => {
    await using made = await siteWithDatabase()
    writeFileSync(made.file, 'no database at all, but long enough to be one '.repeat(100))

    const [found] = await made.run(databaseCheck)

    assert.partialDeepStrictEqual(found, { item: 'reachable', level: 'failure', details: { code: 'database_corrupt' } })
    assert.match(found!.nextStep!, /backup/)
  })

  it('has a page that is damaged', async () => {
    await using made = await siteWithDatabase()
    const { page } = read(made.file, "select rootpage as page from sqlite_master where name = 'users'")
    const { page_size: size } = read(made.file, 'pragma page_size')
    const file = openSync(made.file, 'r+')
    writeSync(file, Buffer.alloc(64, 0xff), 0, 64, (Number(page) - 1) * Number(size))
    closeSync(file)

    const found = await made.run(databaseCheck)

    assert.equal(levels(found).intact, 'failure')
  })

  it('is of an older or of an unknown version, or of another program', async () => {
    await using made = await siteWithDatabase()
    const version = async (statements: string) => {
      change(made.file, statements)
      return (await made.run(databaseCheck)).find(({ item }) => item === 'version')
    }

    const older = await version("update alembic_version set version_num = '4621fec11365'")
    const unknown = await version("update alembic_version set version_num = 'ffffffffffff'")
    const foreign = await version('drop table alembic_version')

    assert.equal(older?.details?.code, 'database_too_old')
    assert.match(older?.nextStep ?? '', /orrery db upgrade/)
    assert.equal(unknown?.details?.code, 'database_too_new')
    assert.equal(foreign?.details?.code, 'database_foreign')
  })

  it('is being written to by another process all the while', async () => {
    await using made = await siteWithDatabase()
    const other = new DatabaseSync(made.file)
    other.exec('begin immediate')

    const found = await made.run(databaseCheck, { inHub: true })

    other.close()
    assert.equal(levels(found).writable, 'warning')
  })

  it('is not there yet before the first start', async () => {
    await using made = await siteFor()

    assert.deepEqual(levels(await made.run(databaseCheck)), { reachable: 'skipped' })
  })

  it('is a PostgreSQL that does not answer', async () => {
    await using made = await siteFor({ dbUrl: 'postgresql://nobody:geheim@127.0.0.1:1/none' })

    const [found] = await made.run(databaseCheck)

    assert.partialDeepStrictEqual(found, { level: 'failure', details: { code: 'database_unreachable' } })
    assert.doesNotMatch(JSON.stringify(found), /geheim/)
  })

  const postgres = testDatabases().find(({ name }) => name === 'PostgreSQL')

  it('is a PostgreSQL that is as it should be, or set to be read only', {
    skip: !postgres && 'needs PostgreSQL',
  }, async () => {
    const { url, drop } = await postgres!.create()
    try {
      await using made = await siteFor({ dbUrl: url })
      const empty = await made.run(databaseCheck)
      await (await openDatabase(url, { log: silentLogger })).close()

      const right = await made.run(databaseCheck)
      const client = new pg.Client({ connectionString: url })
      await client.connect()
      await client.query(`alter database ${new URL(url).pathname.slice(1)} set default_transaction_read_only = on`)
      await client.end()
      const closed = await made.run(databaseCheck)

      assert.equal(levels(empty).version, 'skipped')
      assert.deepEqual(levels(right), { reachable: 'ok', writable: 'ok', version: 'ok', clock: 'ok' })
      assert.equal(levels(closed).writable, 'failure')
    } finally {
      await drop()
    }
  })
})
