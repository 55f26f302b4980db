import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { describe, it, type TestContext } from 'node:test'
import { ensureDefaultRoles } from '../../access/role-grants.ts'
import { decryptFernet } from '../../core/fernet.ts'
import { type Json, type Logger, silentLogger } from '../../core/runtime.ts'
import type { Database } from '../../db/database.ts'
import { testDatabases } from '../../db/testing.ts'
import { testClock } from '../accounts/testing.ts'
import { testApi } from '../testing.ts'
import { clearAuthState, createAuthStateStore } from './auth-state.ts'
import { createUser } from './user-store.ts'

const OLD = Buffer.alloc(32, 1)
const NEW = Buffer.alloc(32, 2)
const STATE = { access_token: 'ü-secret', groups: ['a', 'b'], expires: 1.5, none: null }

for (const kind of testDatabases()) {
  describe(`auth state on ${kind.name}`, () => {
    it('is kept encrypted, read back, replaced and forgotten', async t => {
      const { storeWith, stored, userId } = await setUp(t, kind.open)
      const store = storeWith([NEW])

      assert.equal(await store.read(userId), null)
      await store.write(userId, STATE)
      assert.deepEqual(await store.read(userId), STATE)
      assert.doesNotMatch((await stored())!, /secret/)
      await store.write(userId, {})
      assert.deepEqual(await store.read(userId), {})
      await store.write(userId, null)
      assert.equal(await stored(), undefined)
    })

    it('is read with an old key as well, and is under the new one from then on', async t => {
      const { storeWith, stored, userId } = await setUp(t, kind.open)
      await storeWith([OLD]).write(userId, STATE)

      assert.deepEqual(await storeWith([NEW, OLD]).read(userId), STATE)

      assert.deepEqual(await storeWith([NEW]).read(userId), STATE)
      assert.ok(decryptFernet([NEW], (await stored())!))
    })

    it('is none, with a line in the log, when no key reads it', async t => {
      const { database, storeWith, userId, logged } = await setUp(t, kind.open)
      await storeWith([OLD]).write(userId, STATE)

      assert.equal(await storeWith([NEW]).read(userId), null)
      assert.match(logged(), /cannot be read with the present keys.*"ada"/)
      assert.deepEqual(await storeWith([OLD]).read(userId), STATE)

      await clearAuthState(database.db, userId)
      assert.equal(await storeWith([OLD]).read(userId), null)
    })
  })
}

describe('auth state beside the released package', () => {
  const python = process.env.ORRERY_TEST_JUPYTERHUB_PYTHON
  const skip = python ? false : 'ORRERY_TEST_JUPYTERHUB_PYTHON is not set'

  it('is read by either of them when the other wrote it', { skip }, async t => {
    const { database, storeWith, stored, userId } = await setUp(t)
    await storeWith([NEW]).write(userId, STATE)

    const theirs = runCrypto(python!, await stored())
    assert.deepEqual(theirs.read, STATE)

    const encrypted = Buffer.from(theirs.written)
    await database.db.updateTable('users').set({ encrypted_auth_state: encrypted }).where('id', '=', userId).execute()
    assert.deepEqual(await storeWith([OLD]).read(userId), {
      from: 'python',
      word: 'ü',
      nested: { list: [1, true, null] },
    })
  })
})

describe('auth state in the REST API', () => {
  it('is shown to whoever holds admin:auth_state alone, and changed by them', async t => {
    const { api, asAdmin, store, ada } = await setUpApi(t)
    await store.write(ada.id, STATE)

    const own = await api.as(ada)('GET', '/hub/api/users/ada')
    const reader = await api.service('reader', ['read:users'])
    const holder = await api.service('holder', ['read:users', 'admin:auth_state'])

    assert.ok(!('auth_state' in own.json))
    assert.ok(!('auth_state' in (await api.as(reader)('GET', '/hub/api/users/ada')).json))
    assert.deepEqual((await api.as(holder)('GET', '/hub/api/users/ada')).json.auth_state, STATE)
    assert.equal((await api.as(ada)('PATCH', '/hub/api/users/ada', { auth_state: {} })).status, 403)

    const changed = await asAdmin('PATCH', '/hub/api/users/ada', { auth_state: { token: 'next' } })
    assert.deepEqual([changed.status, changed.json.auth_state], [200, { token: 'next' }])
    assert.deepEqual(await store.read(ada.id), { token: 'next' })
    assert.equal((await asAdmin('PATCH', '/hub/api/users/ada', { auth_state: 'text' })).status, 400)
    assert.equal((await asAdmin('PATCH', '/hub/api/users/ada', { auth_state: null })).status, 400)
  })
})

async function setUpApi(t: TestContext) {
  const database = await testDatabases()[0]!.open()
  const store = createAuthStateStore({ database, keys: [NEW], clock: testClock(), log: silentLogger })
  const api = await testApi({ open: async () => database, users: { authState: store } })
  t.after(() => api.close())
  return { api, store, asAdmin: api.as(await api.user('boss', { admin: true })), ada: await api.user('ada') }
}

async function setUp(t: TestContext, open: () => Promise<Database> = testDatabases()[0]!.open) {
  const database = await open()
  t.after(() => database.close())
  await ensureDefaultRoles(database.db)
  const { id: userId } = await createUser(database.db, { name: 'ada' })
  const lines: string[] = []
  const write = (fields: object, message: string) => void lines.push(`${message} ${JSON.stringify(fields)}`)
  const log: Logger = { debug: write, info: write, warn: write, error: write, child: () => log }
  return {
    database,
    userId,
    logged: () => lines.join('\n'),
    storeWith: (keys: Buffer[]) => createAuthStateStore({ database, keys, clock: testClock(), log }),
    async stored() {
      const row = await database.db.selectFrom('users').select('encrypted_auth_state').executeTakeFirstOrThrow()
      return row.encrypted_auth_state ? Buffer.from(row.encrypted_auth_state).toString() : undefined
    },
  }
}

/** Decrypts with the released `jupyterhub.crypto`, and encrypts something else. */
function runCrypto(python: string, token: string | undefined): { read: Json; written: string } {
  const script = `
import asyncio, json, sys
from jupyterhub import crypto
async def main():
    read = await crypto.decrypt(sys.stdin.read().encode())
    written = await crypto.encrypt({"from": "python", "word": "ü", "nested": {"list": [1, True, None]}})
    print(json.dumps({"read": read, "written": written.decode()}))
asyncio.run(main())`
  const env = { PATH: '/usr/bin:/bin', JUPYTERHUB_CRYPT_KEY: `${OLD.toString('hex')};${NEW.toString('base64url')}=` }
  return JSON.parse(execFileSync(python, ['-c', script], { input: token ?? '', env, encoding: 'utf8' }))
}
