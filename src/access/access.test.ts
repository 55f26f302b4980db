import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { testDatabases } from '../db/testing.ts'
import { cookieJar, type TestHub, testHub } from './testing.ts'

async function whoamiHub(options: Parameters<typeof testHub>[0]): Promise<TestHub> {
  const hub = await testHub(options)
  for (const path of ['/hub/api/whoami', '/hub/home', '/hub/user/alice/']) {
    hub.app.get(path, async request => {
      const identity = await hub.access.identify(request)
      return identity ? { name: identity.name, kind: identity.kind, ...hub.access.describe(identity) } : { name: null }
    })
  }
  hub.app.post('/hub/api/whoami', async request => ({ name: (await hub.access.identify(request))?.name ?? null }))
  hub.app.get('/login/:id', async (request, reply) => {
    const { id } = request.params as { id: string }
    await hub.access.signIn(reply, request, { id: Number(id), name: 'unused' })
    return 'ok'
  })
  hub.app.get('/logout', async (request, reply) => {
    await hub.access.signOut(request, reply)
    return 'ok'
  })
  return hub
}

for (const kind of testDatabases())
  describe(`who is asking, on ${kind.name}`, () => {
    const hubWithWhoami = (options: Parameters<typeof testHub>[0] = {}) => whoamiHub({ open: kind.open, ...options })

    it('is the owner of the token in the header, under both of its names', async t => {
      const hub = await hubWithWhoami()
      t.after(hub.close)
      const alice = await hub.addUser('alice')
      const { token, id } = await hub.access.issueToken({ user: alice, note: 'test' })

      for (const scheme of ['token', 'Bearer', 'TOKEN']) {
        const response = await hub.app.inject({
          url: '/hub/api/whoami',
          headers: { authorization: `${scheme} ${token}` },
        })
        assert.partialDeepStrictEqual(response.json(), {
          name: 'alice',
          kind: 'user',
          token_id: `a${id}`,
          session_id: null,
        })
      }
    })

    it('is nobody for a token in the query, and for a token on a page', async t => {
      const hub = await hubWithWhoami()
      t.after(hub.close)
      const { token } = await hub.access.issueToken({ user: await hub.addUser('alice') })

      const inQuery = await hub.app.inject({ url: `/hub/api/whoami?token=${token}` })
      const onPage = await hub.app.inject({ url: '/hub/home', headers: { authorization: `token ${token}` } })

      assert.deepEqual([inQuery.json(), onPage.json()], [{ name: null }, { name: null }])
    })

    it('is nobody for unknown, tampered, overlong and expired tokens', async t => {
      const hub = await hubWithWhoami()
      t.after(hub.close)
      const alice = await hub.addUser('alice')
      const { token } = await hub.access.issueToken({ user: alice, expiresInSeconds: 60 })
      const ask = async (text: string) =>
        (await hub.app.inject({ url: '/hub/api/whoami', headers: { authorization: `token ${text}` } })).json().name

      assert.equal(await ask(token), 'alice')
      assert.equal(await ask(`${token.slice(0, -1)}x`), null)
      assert.equal(await ask(token.slice(0, 4) + '0'.repeat(28)), null)
      assert.equal(await ask(token + 'a'.repeat(5000)), null)
      hub.clock.advance(61_000)
      assert.equal(await ask(token), null)
    })

    it('tells of wrong ones with their address, and asks nothing about right ones that cannot be guessed', async t => {
      const told: string[] = []
      const hub = await testHub({
        tokenGuesses: {
          check: async address => void told.push(`check ${address}`),
          wrong: async (address, token) => void told.push(`wrong ${address} ${token}`),
        },
      })
      t.after(() => hub.close())
      const ada = await hub.addUser('ada')
      const { token } = await hub.access.issueToken({ user: ada, note: '' })
      hub.app.get('/hub/api/who', async request => (await hub.access.identify(request))?.name ?? 'nobody')
      const who = async (authorization: string) =>
        (await hub.app.inject({ url: '/hub/api/who', headers: { authorization } })).body

      assert.equal(await who(`token ${token}`), 'ada')
      assert.deepEqual(told, [])
      assert.equal(await who('token short'), 'nobody')
      assert.equal(await who(`Bearer ${'f'.repeat(32)}`), 'nobody')
      assert.deepEqual(told, ['check 127.0.0.1', 'wrong 127.0.0.1 short', `wrong 127.0.0.1 ${'f'.repeat(32)}`])
    })

    it('refuses a token whose client is gone', async t => {
      const hub = await hubWithWhoami()
      t.after(hub.close)
      const { token, id } = await hub.access.issueToken({ user: await hub.addUser('alice') })
      await hub.database.db.updateTable('api_tokens').set({ client_id: null }).where('id', '=', id).execute()

      assert.equal(await hub.access.identifyToken(token), undefined)
    })

    it('sees a revoked token at once, and within a second when another process revoked it', async t => {
      const hub = await hubWithWhoami()
      t.after(hub.close)
      const alice = await hub.addUser('alice')
      const first = await hub.access.issueToken({ user: alice })
      const second = await hub.access.issueToken({ user: alice })
      assert.ok(await hub.access.identifyToken(first.token))
      assert.ok(await hub.access.identifyToken(second.token))

      assert.equal(await hub.access.revokeToken(first.id), true)
      assert.equal(await hub.access.identifyToken(first.token), undefined)
      assert.ok(await hub.access.identifyToken(second.token))
      await hub.database.db.deleteFrom('api_tokens').where('id', '=', second.id).execute() // as another process does
      hub.clock.advance(1001)
      assert.equal(await hub.access.identifyToken(second.token), undefined)
    })

    it('cuts the scopes of a token to those its owner has at the moment of use', async t => {
      const hub = await hubWithWhoami()
      t.after(hub.close)
      const admin = await hub.addUser('root', { admin: true })
      const { token } = await hub.access.issueToken({ user: admin, scopes: ['list:users', 'servers!user=root'] })
      const before = await hub.access.identifyToken(token)
      assert.equal(before?.scopes.get('list:users'), 'all')

      await hub.database.db.deleteFrom('user_role_map').where('role_id', '=', 2).execute() // admin is the second default role
      hub.access.changed()

      const after = await hub.access.identifyToken(token)
      assert.equal(after?.scopes.get('list:users'), undefined)
      assert.deepEqual(after?.scopes.get('servers'), { user: new Set(['root']) })
    })

    it('refuses to issue scopes that the owner does not hold, or that do not exist', async t => {
      const hub = await hubWithWhoami()
      t.after(hub.close)
      const alice = await hub.addUser('alice')

      await assert.rejects(hub.access.issueToken({ user: alice, scopes: ['admin:users'] }), { code: 'scope_not_held' })
      await assert.rejects(hub.access.issueToken({ user: alice, scopes: ['fly'] }), { code: 'scope_unknown' })
      await assert.rejects(hub.access.issueToken({ user: alice, expiresInSeconds: 0 }), {
        code: 'token_lifetime_invalid',
      })
      await assert.rejects(hub.access.issueToken({ user: alice, token: 'short' }), { code: 'token_invalid' })
    })

    it('counts roles of groups and what was shared with a group, for tokens as well', async t => {
      const hub = await hubWithWhoami()
      t.after(hub.close)
      const alice = await hub.addUser('alice', { groups: ['team'] })
      const bob = await hub.addUser('bob')
      const spawnerId = await hub.addServer(bob.id, 'lab')
      const roleId = await hub.addRole('metrics-reader', ['read:metrics'])
      await hub.database.db
        .insertInto('group_role_map')
        .values({ group_id: 1, role_id: roleId, managed_by_auth: false })
        .execute()
      await hub.database.db
        .insertInto('shares')
        .values({
          user_id: null,
          group_id: 1,
          created_at: '2026-01-01 00:00:00.000000',
          scopes: '["access:servers"]',
          expires_at: null,
          owner_id: bob.id,
          spawner_id: spawnerId,
        })
        .execute()

      const { token } = await hub.access.issueToken({ user: alice })
      const identity = await hub.access.identifyToken(token)

      assert.equal(identity?.scopes.get('read:metrics'), 'all')
      assert.deepEqual(identity?.scopes.get('access:servers'), {
        user: new Set(['alice']),
        server: new Set(['bob/lab']),
      })
    })

    it('is the user of the login cookie after signing in, and nobody after signing out', async t => {
      const hub = await hubWithWhoami()
      t.after(hub.close)
      const alice = await hub.addUser('alice')

      const login = await hub.app.inject({ url: `/login/${alice.id}` })
      const cookie = cookieJar(login)
      const sessionId = /jupyterhub-session-id=(\w+)/.exec(cookie)?.[1]
      const home = await hub.app.inject({ url: '/hub/home', headers: { cookie } })
      assert.equal(home.json().name, 'alice')
      assert.equal(home.headers['set-cookie'], undefined)
      const kept = await hub.access.issueToken({ user: alice })
      const ended = await hub.access.issueToken({ user: alice, sessionId: sessionId! })

      const logout = await hub.app.inject({ url: '/logout', headers: { cookie } })

      assert.equal(
        (await hub.app.inject({ url: '/hub/home', headers: { cookie: cookieJar(logout, cookie) } })).json().name,
        null,
      )
      assert.equal(await hub.access.identifyToken(ended.token), undefined)
      assert.ok(await hub.access.identifyToken(kept.token))
    })

    it('is nobody for a forged cookie, which is then cleared', async t => {
      const hub = await hubWithWhoami()
      t.after(hub.close)
      const foreign = await hubWithWhoami({ cookieSecret: Buffer.alloc(32, 8) })
      t.after(foreign.close)
      await hub.addUser('alice')
      const stranger = await foreign.addUser('alice')
      const cookie = cookieJar(await foreign.app.inject({ url: `/login/${stranger.id}` }))

      const response = await hub.app.inject({ url: '/hub/home', headers: { cookie } })

      assert.equal(response.json().name, null)
      assert.match(String(response.headers['set-cookie']), /^jupyterhub-hub-login=; Expires=.*; Path=\/hub\/$/)
    })

    it('takes no form of another site for the user of the cookie', async t => {
      const hub = await hubWithWhoami()
      t.after(hub.close)
      const alice = await hub.addUser('alice')
      const cookie = cookieJar(await hub.app.inject({ url: `/login/${alice.id}` }))
      const post = async (type: string, payload: string) =>
        (
          await hub.app.inject({
            method: 'POST',
            url: '/hub/api/whoami',
            headers: { cookie, 'content-type': type },
            payload,
          })
        ).json().name

      assert.equal(await post('application/x-www-form-urlencoded', 'a=b'), null)
      assert.equal(await post('text/plain', '{}'), null)
      assert.equal(await post('application/json', '{}'), 'alice')
    })

    it('writes activity down once per resolution, not for calls of the own server', async t => {
      const hub = await hubWithWhoami()
      t.after(hub.close)
      const alice = await hub.addUser('alice')
      const own = await hub.access.issueToken({ user: alice, note: 'Server at /user/alice/' })
      const script = await hub.access.issueToken({ user: alice, note: 'script' })
      const ask = (token: string) =>
        hub.app.inject({ url: '/hub/api/whoami', headers: { authorization: `token ${token}` } })
      const activity = async () => {
        await hub.access.flush()
        hub.access.changed()
        return (await hub.database.db.selectFrom('users').select('last_activity').executeTakeFirstOrThrow())
          .last_activity
      }

      await ask(own.token)
      assert.equal(await activity(), null)
      await ask(script.token)
      const first = await activity()
      assert.notEqual(first, null)
      hub.clock.advance(29_000)
      await ask(script.token)
      assert.equal(await activity(), first)
      hub.clock.advance(2_000)
      await ask(script.token)
      assert.ok((await activity())! > first!)
    })

    it('never puts a token or a cookie into the log', async t => {
      const hub = await hubWithWhoami()
      t.after(hub.close)
      const alice = await hub.addUser('alice')
      const bob = await hub.addUser('bob')
      const { token, id } = await hub.access.issueToken({ user: alice })
      const cookie = cookieJar(await hub.app.inject({ url: `/login/${alice.id}` }))
      await hub.app.inject({ url: `/login/${bob.id}`, headers: { cookie } })
      await hub.app.inject({ url: '/hub/api/whoami', headers: { authorization: `token ${token}` } })
      await hub.database.db.updateTable('api_tokens').set({ client_id: null }).where('id', '=', id).execute()
      hub.access.changed()
      await hub.app.inject({ url: '/hub/api/whoami', headers: { authorization: `token ${token}` } })

      const logged = hub.logged()
      assert.match(logged, /signed in as somebody else/)
      assert.match(logged, /OAuth client is gone/)
      for (const secret of [token, alice.cookieId, ...cookie.split('; ').map(pair => pair.split('=')[1]!)]) {
        assert.ok(!logged.includes(secret))
      }
    })
  })
