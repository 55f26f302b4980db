import assert from 'node:assert/strict'
import { describe, it, type TestContext } from 'node:test'
import type { FastifyRequest } from 'fastify'
import type { Identity } from '../../access/identity.ts'
import { testHub } from '../../access/testing.ts'
import { silentLogger } from '../../core/runtime.ts'
import { testDatabases } from '../../db/testing.ts'
import type { Authenticated, Authenticator } from '../../plugin/authenticator.ts'
import { createAuthStateStore } from '../users/auth-state.ts'
import { findUser } from '../users/user-store.ts'
import { createRefresher, type RefreshDeps, type Refresher } from './refresh.ts'
import { serverRefresh } from './server-refresh.ts'

const AGE_MS = 300_000

for (const kind of testDatabases()) {
  describe(`looking again at users, on ${kind.name}`, () => {
    it('happens when what is known is old, at cookies and tokens, and not before', async t => {
      const { byCookie, byToken, asked, advance, refresher, ada } = await setUp(t, kind.open)
      refresher.signedIn(ada.id)

      assert.deepEqual([await byCookie(), await byToken(), asked()], ['ada', 'ada', 0])
      advance(AGE_MS)
      assert.deepEqual([await byToken(), asked()], ['ada', 1])
      assert.deepEqual([await byCookie(), asked()], ['ada', 1])
      advance(AGE_MS)
      assert.deepEqual([await byCookie(), asked()], ['ada', 2])
    })

    it('happens once for many requests at once', async t => {
      const { byCookie, byToken, asked } = await setUp(t, kind.open)
      assert.deepEqual(await Promise.all([byCookie(), byToken(), byCookie(), byCookie()]), ['ada', 'ada', 'ada', 'ada'])
      assert.equal(asked(), 1)
    })

    it('puts what it finds into the database and into the very request, and keeps what is not told', async t => {
      const { identify, answer, store, database, ada, seen } = await setUp(t, kind.open, { manageGroups: true })
      await store.write(ada.id, { token: 'old' })
      answer({ name: 'somebody-else', admin: true, groups: ['physics'] })

      const identity = (await identify('cookie')) as Identity & { groups: string[] }

      assert.deepEqual([identity.name, identity.admin, identity.groups], ['ada', true, ['physics']])
      assert.ok(identity.scopes.has('admin:users'))
      assert.deepEqual(seen(), [{ name: 'ada', state: { token: 'old' } }])
      assert.deepEqual(await store.read(ada.id), { token: 'old' })
      assert.partialDeepStrictEqual(await findUser(database.db, 'ada'), { admin: true, groups: ['physics'] })
    })
  })
}

describe('looking again at users', () => {
  it('ends the login of a browser when it has expired, not the tokens, until the next sign-in', async t => {
    const { byCookie, byToken, answer, asked, advance, refresher, ada } = await setUp(t)
    answer('expired')

    assert.deepEqual([await byCookie(), await byToken()], [undefined, 'ada'])
    assert.equal(asked(), 1) // whoever reloads the page does not ask the provider each time
    advance(30_000)
    assert.deepEqual([await byCookie(), asked()], [undefined, 2])
    refresher.signedIn(ada.id)
    assert.equal(await byCookie(), 'ada')
  })

  it('refuses tokens as well where it is strict', async t => {
    const { byToken, answer } = await setUp(t, undefined, { strict: true })
    answer('expired')
    await assert.rejects(byToken(), { code: 'auth_expired', status: 403 })
  })

  it('lets people go on while the authenticator fails, unless it is strict', async t => {
    const lenient = await setUp(t)
    lenient.answer(new Error('provider is down'))
    assert.deepEqual([await lenient.byCookie(), await lenient.byToken(), lenient.asked()], ['ada', 'ada', 1])
    lenient.answer('current')
    lenient.advance(30_000)
    assert.deepEqual([await lenient.byCookie(), lenient.asked()], ['ada', 2])

    const strict = await setUp(t, undefined, { strict: true })
    strict.answer(new Error('provider is down'))
    await assert.rejects(strict.byCookie(), { code: 'refresh_failed', status: 503 })
  })

  it('never happens by age when that is 0, but what a start found to be expired ends the login', async t => {
    const { byCookie, asked, answer, refresher, ada, advance } = await setUp(t, undefined, { ageMs: 0 })
    advance(AGE_MS)
    assert.deepEqual([await byCookie(), asked()], ['ada', 0])
    answer('expired')
    assert.equal(await refresher.force(ada, { own: true }), 'expired')
    advance(AGE_MS)
    assert.deepEqual([await byCookie(), asked()], [undefined, 1])
  })
})

describe('before a start or a stop', () => {
  const by = (name: string, id: number, proof: 'cookie' | 'token' = 'cookie') =>
    ({ kind: 'user', id, name, proof: { by: proof } }) as Identity // what is looked at

  it('an expired user cannot start from the browser; others and tokens can unless it is strict', async t => {
    for (const strict of [false, true]) {
      const { refresher, answer, ada } = await setUp(t, undefined, { strict })
      answer('expired')
      const of = { ...ada, admin: false, groups: [] }
      const { beforeStart } = serverRefresh(refresher, { preSpawn: true, preStop: false, log: silentLogger })
      await assert.rejects(beforeStart(of, by('ada', ada.id)), { code: 'auth_expired', status: 403 })
      for (const other of [by('boss', 99), by('ada', ada.id, 'token')]) {
        if (strict) await assert.rejects(beforeStart(of, other), { code: 'auth_expired' })
        else await beforeStart(of, other)
      }
    }
  })

  it('an expired user cannot stop, anybody else can', async t => {
    const { refresher, answer, ada, asked } = await setUp(t, undefined, { strict: true })
    answer('expired')
    const of = { ...ada, admin: false, groups: [] }
    const both = serverRefresh(refresher, { preSpawn: false, preStop: true, log: silentLogger })
    await assert.rejects(both.beforeStop(of, by('ada', ada.id)), { code: 'auth_expired' })
    await both.beforeStop(of, by('boss', 99))
    assert.equal(asked(), 2)
    await both.beforeStart(of, by('ada', ada.id))
    assert.equal(asked(), 2)
  })
})

/** A hub whose access asks a refresher, and a user with cookie and token. */
async function setUp(
  t: TestContext,
  open = testDatabases()[0]!.open,
  given: Partial<Pick<RefreshDeps, 'strict' | 'ageMs' | 'manageGroups'>> = {},
) {
  const seen: { name: string; state: unknown }[] = []
  let next: Authenticated | 'current' | 'expired' | Error = 'current'
  const refresh: Authenticator['refresh'] = async (user, state) => {
    seen.push({ name: user.name, state })
    if (next instanceof Error) throw next
    return next
  }
  let refresher: Refresher | undefined
  const hub = await testHub({ open, refreshUser: (user, by) => refresher!.look(user, by) })
  t.after(() => hub.close())
  const { database, clock, access, app } = hub
  const store = createAuthStateStore({ database, keys: [Buffer.alloc(32, 1)], clock, log: silentLogger })
  refresher = createRefresher({
    database,
    clock,
    authState: store,
    authenticator: { name: 'test', refresh },
    ageMs: AGE_MS,
    strict: false,
    log: silentLogger,
    changed: () => access.changed(),
    ...given,
  })
  const ada = await hub.addUser('ada')
  const { token } = await access.issueToken({ user: ada })
  const found = new Map<string, Promise<Identity | undefined>>()
  const remember = async (request: FastifyRequest) => {
    const identified = access.identify(request)
    found.set(String(request.headers['x-try']), identified)
    await identified.catch(() => {})
    return ''
  }
  app.get('/hub/page', remember)
  app.get('/hub/api/any', remember)
  app.post('/hub/enter', async (request, reply) => {
    await access.signIn(reply, request, ada)
    return ''
  })
  const entered = await app.inject({ method: 'POST', url: '/hub/enter' })
  const cookie = entered.cookies.map(({ name, value }) => `${name}=${value}`).join('; ')

  let tries = 0
  const identify = async (by: 'cookie' | 'token') => {
    const id = `${++tries}`
    const proof = by === 'cookie' ? { cookie } : { authorization: `token ${token}` }
    await app.inject({ url: by === 'cookie' ? '/hub/page' : '/hub/api/any', headers: { ...proof, 'x-try': id } })
    return found.get(id)
  }
  return {
    database,
    store,
    refresher,
    ada: { id: ada.id, name: ada.name },
    identify,
    byCookie: async () => (await identify('cookie'))?.name,
    byToken: async () => (await identify('token'))?.name,
    answer(value: typeof next) {
      next = value
    },
    asked: () => seen.length,
    seen: () => seen,
    advance: (ms: number) => clock.advance(ms),
  }
}
