import assert from 'node:assert/strict'
import { describe, it, type TestContext } from 'node:test'
import { getUser, may, requireIdentity, requireScope, requireSignedIn, requireXsrf } from './guards.ts'
import { signValue } from './signed-cookie.ts'
import { cookieJar, TEST_SECRET, type TestHub, testHub } from './testing.ts'

/** Pages, forms and API routes as the hub has them, with `alice` signed in by `cookie`. */
async function guardedHub(
  t: TestContext,
): Promise<TestHub & { cookie: string; alice: { id: number; cookieId: string } }> {
  const hub = await testHub()
  t.after(hub.close)
  const { app, access } = hub
  app.setErrorHandler((error: { status?: number; message: string; code?: string }, _request, reply) =>
    reply.status(error.status ?? 500).send({ status: error.status ?? 500, message: error.message, code: error.code }),
  )
  const page = { preHandler: requireSignedIn(access) }
  app.get('/hub/home', page, async (request, reply) => access.xsrf.token(request, reply))
  app.post('/hub/home', page, async request => (await getUser(access, request)).name)
  app.get('/hub/login', async (request, reply) => access.xsrf.renew(request, reply))
  app.post('/hub/login', { preHandler: requireXsrf(access) }, async (request, reply) => {
    const alice = await hub.database.db
      .selectFrom('users')
      .selectAll()
      .where('name', '=', 'alice')
      .executeTakeFirstOrThrow()
    await access.signIn(reply, request, alice)
    return 'welcome'
  })
  app.get('/hub/api/user', { preHandler: requireIdentity(access) }, async () => 'ok')
  const userOf = (request: { params: unknown }) => ({ user: (request.params as { name: string }).name })
  app.get(
    '/hub/api/users',
    { preHandler: requireScope(access, 'list:users', undefined, { filtered: true }) },
    async () => 'ok',
  )
  app.get(
    '/hub/api/users/:name',
    { preHandler: requireScope(access, ['read:users', 'read:servers'], userOf) },
    async () => 'ok',
  )
  app.delete('/hub/api/users/:name', { preHandler: requireScope(access, 'delete:users', userOf) }, async () => 'ok')
  app.post(
    '/hub/api/users/:name/server',
    { preHandler: requireScope(access, 'servers', request => ({ ...userOf(request), server: '' })) },
    async () => 'ok',
  )

  const alice = await hub.addUser('alice')
  const login = await app.inject({ url: '/hub/login' })
  const welcome = await app.inject({
    method: 'POST',
    url: '/hub/login',
    headers: { cookie: cookieJar(login), 'content-type': 'application/x-www-form-urlencoded' },
    payload: `_xsrf=${encodeURIComponent(login.body)}`,
  })
  assert.equal(welcome.body, 'welcome')
  return { ...hub, cookie: cookieJar(welcome, cookieJar(login)), alice }
}

describe('pages', () => {
  it('send strangers to the login and name the way back', async t => {
    const { app } = await guardedHub(t)
    const response = await app.inject({ url: '/hub/home?a=b&c=d' })
    assert.equal(response.statusCode, 302)
    assert.equal(response.headers.location, '/hub/login?next=%2Fhub%2Fhome%3Fa%3Db%26c%3Dd')
  })

  it('set the xsrf cookie with the login and never again', async t => {
    const { app, cookie } = await guardedHub(t)
    for (let visit = 0; visit < 2; visit++) {
      const response = await app.inject({ url: '/hub/home', headers: { cookie, 'sec-fetch-mode': 'navigate' } })
      assert.equal(response.statusCode, 200)
      assert.equal(response.headers['set-cookie'], undefined)
      assert.ok(cookie.includes(`_xsrf=${response.body}`))
    }
  })

  it('give a login that lacks session and xsrf cookies both, once', async t => {
    const { app, cookie } = await guardedHub(t)
    const loginOnly = /jupyterhub-hub-login="[^"]*"/.exec(cookie)![0]

    const first = await app.inject({ url: '/hub/home', headers: { cookie: loginOnly } })
    const names = [first.headers['set-cookie']].flat().map(line => String(line).split('=')[0])
    assert.deepEqual(names, ['jupyterhub-session-id', '_xsrf'])

    const second = await app.inject({ url: '/hub/home', headers: { cookie: cookieJar(first, loginOnly) } })
    assert.equal(second.headers['set-cookie'], undefined)
    assert.equal(second.body, first.body)
  })

  it('take a form with the token of this login, from field or header, and no other', async t => {
    const { app, cookie, clock } = await guardedHub(t)
    const xsrf = /_xsrf=([^;]+)/.exec(cookie)![1]!
    const post = async (headers: Record<string, string>, payload = '') =>
      app.inject({
        method: 'POST',
        url: '/hub/home',
        headers: { cookie, 'content-type': 'application/x-www-form-urlencoded', ...headers },
        payload,
      })

    assert.equal((await post({}, `_xsrf=${encodeURIComponent(xsrf)}`)).body, 'alice')
    assert.equal((await post({ 'x-xsrftoken': xsrf })).body, 'alice')
    assert.deepEqual((await post({})).json(), {
      status: 403,
      message: "'_xsrf' argument missing from POST",
      code: 'xsrf_missing',
    })
    assert.equal((await post({}, '_xsrf=guess')).json().code, 'xsrf_wrong')
    const anonymous = Buffer.from(signValue(TEST_SECRET, '_xsrf', 'None:x', clock.now())).toString('base64url')
    assert.equal((await post({}, `_xsrf=${anonymous}`)).json().code, 'xsrf_wrong')
    assert.equal((await post({ cookie: '', origin: 'https://evil.example' }, `_xsrf=${xsrf}`)).statusCode, 403)
  })

  it('give a stranger a token for one hour, bound to the browser', async t => {
    const { app } = await guardedHub(t)
    const login = await app.inject({ url: '/hub/login', headers: { 'user-agent': 'a' } })
    const post = (agent: string) =>
      app.inject({
        method: 'POST',
        url: '/hub/login',
        headers: { cookie: cookieJar(login), 'user-agent': agent, 'x-xsrftoken': login.body },
      })

    assert.match(String(login.headers['set-cookie']), /^_xsrf=[\w-]+; Max-Age=3600; Path=\/hub\/$/)
    assert.equal((await post('b')).json().code, 'xsrf_wrong')
    assert.equal((await post('a')).body, 'welcome')
  })

  it('find their token among cookies of the same name from other paths', async t => {
    const { app, cookie } = await guardedHub(t)
    const response = await app.inject({
      url: '/hub/home',
      headers: { cookie: `_xsrf=2|1234|foreign|1; ${cookie}; _xsrf=other` },
    })
    assert.equal(response.headers['set-cookie'], undefined)
    assert.ok(cookie.includes(response.body))
  })

  it('set no cookie for what scripts fetch', async t => {
    const { app } = await guardedHub(t)
    const response = await app.inject({ url: '/hub/login', headers: { 'sec-fetch-mode': 'cors' } })
    assert.equal(response.headers['set-cookie'], undefined)
  })
})

describe('login cookies', () => {
  it('carry names, paths and flags of JupyterHub', async t => {
    const { app } = await guardedHub(t)
    const login = await app.inject({ url: '/hub/login' })
    const response = await app.inject({
      method: 'POST',
      url: '/hub/login',
      headers: { cookie: cookieJar(login), 'x-xsrftoken': login.body },
    })
    const lines = [response.headers['set-cookie']].flat().map(String)
    assert.deepEqual(
      lines.map(line => line.replace(/=("[^"]*"|[^;]*)/, '').replace(/Expires=[^;]*/, 'Expires')),
      [
        'jupyterhub-session-id; Path=/; HttpOnly',
        'jupyterhub-hub-login; Expires; Path=/hub/; HttpOnly',
        '_xsrf; Path=/hub/',
      ],
    )
  })

  it('are for https alone when a trusted proxy says that the browser uses it', async t => {
    const hub = await testHub({ publicUrl: new URL('http://hub.example/') })
    t.after(hub.close)
    const alice = await hub.addUser('alice')
    hub.app.get('/in', async (request, reply) => {
      Object.defineProperty(request, 'protocol', { value: 'https' }) // what Fastify makes of X-Forwarded-Proto
      await hub.access.signIn(reply, request, alice)
      return 'ok'
    })
    const lines = [(await hub.app.inject({ url: '/in' })).headers['set-cookie']].flat().map(String)
    assert.match(lines[1]!, /^jupyterhub-hub-login=.*; Secure$/)
  })

  it('are for https alone where the hub is, and lie on / with the __Host- prefix', async t => {
    const hub = await testHub({ publicUrl: new URL('https://hub.example/'), cookieHostPrefix: true })
    t.after(hub.close)
    const alice = await hub.addUser('alice')
    hub.app.get('/in', async (request, reply) => {
      await hub.access.signIn(reply, request, alice)
      return 'ok'
    })
    hub.app.get('/hub/whoami', async request => (await hub.access.identify(request))?.name ?? 'nobody')
    const response = await hub.app.inject({ url: '/in' })
    const lines = [response.headers['set-cookie']].flat().map(String)
    assert.match(lines[0]!, /^jupyterhub-session-id=.*; Path=\/; HttpOnly; Secure$/)
    assert.match(lines[1]!, /^__Host-jupyterhub-hub-login=.*; Path=\/; HttpOnly; Secure$/)
    assert.equal((await hub.app.inject({ url: '/hub/whoami', headers: { cookie: cookieJar(response) } })).body, 'alice')
  })

  it('have the attributes that the site chooses, also when they are taken back', async t => {
    const hub = await testHub({ cookieOverrides: { sameSite: 'none', secure: true, domain: 'example.org' } })
    t.after(hub.close)
    const alice = await hub.addUser('alice')
    hub.app.get('/in', async (request, reply) => {
      await hub.access.signIn(reply, request, alice)
      return 'ok'
    })
    hub.app.get('/out', async (request, reply) => {
      await hub.access.signOut(request, reply)
      return 'ok'
    })

    const made = await hub.app.inject({ url: '/in' })
    const gone = await hub.app.inject({ url: '/out', headers: { cookie: cookieJar(made) } })

    const lines = (response: typeof made) => [response.headers['set-cookie'] ?? []].flat().map(String)
    assert.equal(lines(made).length, 3)
    for (const line of lines(made)) assert.match(line, /; Domain=example\.org; .*Secure; SameSite=None$/)
    for (const line of lines(gone))
      assert.match(line, /=""?; Expires=.*; Domain=example\.org; |=; Expires=.*; Domain=example\.org; /)
  })
})

describe('the API', () => {
  it('answers 403 to strangers, for existing and missing resources alike', async t => {
    const { app } = await guardedHub(t)
    for (const url of ['/hub/api/user', '/hub/api/users/alice', '/hub/api/users/nobody']) {
      const response = await app.inject({ url })
      assert.deepEqual([response.statusCode, response.json().message], [403, 'Missing or invalid credentials.'])
    }
  })

  it('answers 404 beyond the reach of a scope and 403 without the scope', async t => {
    const { app, access, alice } = await guardedHub(t)
    const { token } = await access.issueToken({ user: alice })
    const headers = { authorization: `token ${token}` }
    assert.equal((await app.inject({ url: '/hub/api/users/alice', headers })).body, 'ok')
    const beyond = await app.inject({ url: '/hub/api/users/bob', headers })
    assert.deepEqual([beyond.statusCode, beyond.json().message], [404, 'No access to resources or resources not found'])
    const missing = await app.inject({ method: 'DELETE', url: '/hub/api/users/alice', headers })
    assert.deepEqual(
      [missing.statusCode, missing.json().message],
      [403, 'Action is not authorized with current scopes; requires any of [delete:users]'],
    )
    assert.equal((await app.inject({ url: '/hub/api/users', headers })).statusCode, 403)
  })

  it('lets a list be narrowed by the handler, and finds users through their groups', async t => {
    const { app, access, addUser, addRole, database } = await guardedHub(t)
    const lead = await addUser('lead', { groups: ['team'] })
    await addUser('member', { groups: ['team-b', 'crew'] })
    const roleId = await addRole('lead', ['list:users!group=crew', 'read:users!group=crew'])
    await database.db
      .insertInto('user_role_map')
      .values({ user_id: lead.id, role_id: roleId, managed_by_auth: false })
      .execute()
    const { token } = await access.issueToken({ user: lead })
    const headers = { authorization: `token ${token}` }

    assert.equal((await app.inject({ url: '/hub/api/users', headers })).body, 'ok')
    assert.equal((await app.inject({ url: '/hub/api/users/member', headers })).body, 'ok')
    assert.equal((await app.inject({ url: '/hub/api/users/alice', headers })).statusCode, 404)
    const identity = await access.identifyToken(token)
    assert.equal(await may(access, identity!, 'read:users', { user: 'member' }), true)
    assert.equal(await may(access, identity!, 'read:users', { user: 'alice' }), false)
  })

  it('wants the xsrf token of scripts that come with a cookie, also for GET', async t => {
    const { app, cookie } = await guardedHub(t)
    const xsrf = /_xsrf=([^;]+)/.exec(cookie)![1]!
    const get = async (headers: Record<string, string>, query = '') =>
      (await app.inject({ url: `/hub/api/user${query}`, headers: { cookie, ...headers } })).statusCode

    assert.equal(await get({}), 200)
    assert.equal(await get({ 'sec-fetch-mode': 'navigate' }), 200)
    assert.equal(await get({ 'sec-fetch-mode': 'no-cors', 'sec-fetch-site': 'same-origin' }), 200)
    assert.equal(await get({ 'sec-fetch-mode': 'no-cors', 'sec-fetch-site': 'cross-site' }), 403)
    assert.equal(await get({ 'sec-fetch-mode': 'cors' }), 403)
    assert.equal(await get({ 'sec-fetch-mode': 'cors', 'x-xsrftoken': xsrf }), 200)
    assert.equal(await get({ 'sec-fetch-mode': 'cors' }, `?_xsrf=${xsrf}`), 200)
    assert.equal(await get({ 'sec-fetch-mode': 'cors' }, '?_xsrf=wrong'), 403)
  })

  it('wants it for every change by cookie, never for one by token', async t => {
    const { app, access, cookie, alice } = await guardedHub(t)
    const xsrf = /_xsrf=([^;]+)/.exec(cookie)![1]!
    const { token } = await access.issueToken({ user: alice })
    const post = async (headers: Record<string, string>) =>
      (await app.inject({ method: 'POST', url: '/hub/api/users/alice/server', headers })).statusCode

    assert.equal(await post({ cookie }), 403)
    assert.equal(await post({ cookie, 'x-xsrftoken': xsrf }), 200)
    assert.equal(await post({ authorization: `token ${token}` }), 200)
    assert.equal(await post({ authorization: `token ${token}`, cookie, origin: 'https://evil.example' }), 200)
  })

  it('tells another site nothing of whether somebody is signed in', async t => {
    const { app, cookie } = await guardedHub(t)
    const get = async (jar: string) =>
      (
        await app.inject({
          url: '/hub/api/user',
          headers: { cookie: jar, origin: 'https://evil.example', 'sec-fetch-mode': 'cors' },
        })
      ).body
    assert.equal(await get(''), await get(cookie))
  })

  it('refuses oversize credentials as unknown ones', async t => {
    const { app } = await guardedHub(t)
    const big = 'x'.repeat(12_000)
    const response = await app.inject({
      url: '/hub/api/user',
      headers: {
        authorization: `token ${big}`,
        cookie: `jupyterhub-hub-login="2|1:0|${big}"; _xsrf=${big}; jupyterhub-session-id=${big}`,
      },
    })
    assert.equal(response.statusCode, 403)
  })
})
