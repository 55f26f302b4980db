import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { dirname } from 'node:path'
import { describe, it } from 'node:test'
import { silentLogger } from '../../core/runtime.ts'
import { parseDatabaseUrl } from '../database-url.ts'
import { connectDatabase, openDatabase } from '../open-database.ts'
import { testDatabases } from '../testing.ts'
import { JUPYTERHUB_REVISION } from './jupyterhub-tables.ts'
import { makeOld } from './old-schema-testing.ts'
import { schemaFacts, sqliteStatements } from './schema-facts.ts'
import { upgradeSchema } from './upgrade-schema.ts'

const python = process.env.ORRERY_TEST_JUPYTERHUB_PYTHON
const skip = python
  ? false
  : 'set ORRERY_TEST_JUPYTERHUB_PYTHON to the Python of an environment with jupyterhub 6.1 and psycopg2-binary'

for (const kind of testDatabases()) {
  describe(`tables on ${kind.name} compared with the released JupyterHub`, { skip }, () => {
    it('are the same, column by column, constraint by constraint, index by index', async () => {
      const [theirs, ours] = await Promise.all([kind.create(), kind.create()])
      releasedHub('import sys; from jupyterhub import orm; orm.new_session_factory(sys.argv[1])', theirs.url)
      const database = await openDatabase(ours.url, { log: silentLogger })

      const reference = connect(theirs.url)

      assert.deepEqual(
        await schemaFacts(database.db, database.dialect),
        await schemaFacts(reference.db, reference.dialect),
      )
      if (database.dialect === 'sqlite') {
        assert.deepEqual(await sqliteStatements(database.db), await sqliteStatements(reference.db))
      }
      assert.deepEqual(await reference.db.selectFrom('alembic_version').selectAll().execute(), [
        { version_num: JUPYTERHUB_REVISION },
      ])
      await Promise.all([database.close(), reference.close()])
      await Promise.all([theirs.drop(), ours.drop()])
    })

    it('made by the one are opened by the other', async () => {
      const { url, drop } = await kind.create()
      await openDatabase(url, { log: silentLogger }).then(database => database.close())
      const script = `
import sys
from jupyterhub import orm
db = orm.new_session_factory(sys.argv[1])()
db.add(orm.User(name='theirs', admin=True))
db.commit()`
      releasedHub(script, url)

      const database = await openDatabase(url, { log: silentLogger, create: false })

      const user = await database.db.selectFrom('users').selectAll().executeTakeFirstOrThrow()
      assert.equal(user.name, 'theirs')
      assert.equal(user.admin, true)
      assert.match(user.created!, /^\d{4}-\d\d-\d\d \d\d:\d\d:\d\d\.\d{6}$/)
      await database.close()
      await drop()
    })

    for (const revision of ['651f5419b74d', '0eee8c825d24', '3c2384c5aae1', '4621fec11365']) {
      it(`are upgraded from ${revision} to the same`, async () => {
        const [theirs, ours] = await Promise.all([kind.create(), kind.create()])
        await Promise.all([makeOld(theirs.url, revision), makeOld(ours.url, revision)])
        const script = `
import sys
from jupyterhub import dbutil, orm
dbutil.upgrade(sys.argv[1])
orm.new_session_factory(sys.argv[1])`
        releasedHub(script, theirs.url)

        await upgradeSchema(ours.url, { log: silentLogger })

        const [reference, upgraded] = [connect(theirs.url), connect(ours.url)]
        // `false` and `0` are one default in SQLite; how it is written differs.
        const facts = async (of: typeof reference) =>
          (await schemaFacts(of.db, of.dialect)).map(fact => fact.replace('default=false', 'default=0'))
        assert.deepEqual(await facts(upgraded), await facts(reference))
        await Promise.all([reference.close(), upgraded.close()])
        await Promise.all([theirs.drop(), ours.drop()])
      })
    }
  })
}

function connect(url: string) {
  return connectDatabase(parseDatabaseUrl(url), silentLogger)
}

/** Runs a script with the released package; its argument is the database's URL, in SQLAlchemy's words. */
function releasedHub(script: string, url: string): void {
  execFileSync(python!, ['-c', script, url.replace('postgresql://', 'postgresql+psycopg2://')], {
    stdio: ['ignore', 'ignore', 'pipe'],
    // The package starts `alembic` by its name.
    env: { ...process.env, PATH: `${dirname(python!)}:${process.env.PATH}` },
  })
}
