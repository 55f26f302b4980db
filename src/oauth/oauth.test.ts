import assert from 'node:assert/strict'
import { describe, it, type TestContext } from 'node:test'
import { ensureOauthClient, removeOauthClient } from '../access/oauth-clients.ts'
import { cookieJar } from '../access/testing.ts'
import { testDatabases } from '../db/testing.ts'
import { authorizeUrl, CLIENT, type OauthHub, oauthHub, pkcePair } from './testing.ts'

const startHub = (t: TestContext, options: Parameters<typeof oauthHub>[0] = {}) => startHubOn(t, options)

async function startHubOn(t: TestContext, options: Parameters<typeof oauthHub>[0]): Promise<OauthHub> {
  const hub = await oauthHub(options)
  t.after(hub.close)
  return hub
}

const authorize = (hub: OauthHub, parameters: Record<string, string> = {}, cookie = hub.cookie) =>
  hub.app.inject({ url: authorizeUrl(parameters), headers: { cookie } })

const exchange = (hub: OauthHub, fields: Record<string, string>, headers: Record<string, string> = {}) =>
  hub.app.inject({
    method: 'POST',
    url: '/hub/api/oauth2/token',
    headers: { 'content-type': 'application/x-www-form-urlencoded', ...headers },
    payload: new URLSearchParams({
      grant_type: 'authorization_code',
      client_id: CLIENT.identifier,
      client_secret: CLIENT.secret,
      redirect_uri: CLIENT.redirectUri,
      ...fields,
    }).toString(),
  })

async function codeOf(hub: OauthHub, parameters: Record<string, string> = {}): Promise<string> {
  const response = await authorize(hub, parameters)
  assert.equal(response.statusCode, 302, response.body)
  return answerOf(response).get('code')!
}

function answerOf(response: { headers: Record<string, unknown> }): URLSearchParams {
  return new URL(String(response.headers.location), 'http://hub').searchParams
}

/** A service `grader` that asks for consent. */
async function addGrader(hub: OauthHub, options: { oauthNoConfirm?: boolean; allowedScopes?: string[] } = {}) {
  const allowedScopes = options.allowedScopes ?? ['read:users!user', 'list:users', 'access:services!service=grader']
  await ensureOauthClient(hub.database.db, {
    identifier: 'service-grader',
    secret: 'the secret of the grader',
    redirectUri: 'https://grader.example/callback?keep=1',
    allowedScopes,
    description: 'JupyterHub service grader',
  })
  await hub.addService('grader', { oauthClientId: 'service-grader', oauthNoConfirm: options.oauthNoConfirm ?? false })
  const roleId = await hub.addRole('student', ['access:services!service=grader'])
  await hub.database.db
    .insertInto('user_role_map')
    .values({ user_id: hub.alice.id, role_id: roleId, managed_by_auth: false })
    .execute()
  return { client_id: 'service-grader', redirect_uri: 'https://grader.example/callback?keep=1' }
}

describe('authorize', () => {
  it('sends strangers to the login and back', async t => {
    const hub = await startHub(t)
    const response = await authorize(hub, { state: 's' }, '')
    assert.equal(response.headers.location, `/hub/login?next=${encodeURIComponent(authorizeUrl({ state: 's' }))}`)
  })

  it('does not take a token for a login', async t => {
    const hub = await startHub(t)
    const { token } = await hub.access.issueToken({ user: hub.alice })
    const response = await hub.app.inject({ url: authorizeUrl({}), headers: { authorization: `token ${token}` } })
    assert.match(String(response.headers.location), /^\/hub\/login\?next=/)
  })

  it('grants the own server at once, hands the state through, and the code gets a token of that session', async t => {
    const hub = await startHub(t)
    const response = await authorize(hub, { state: 'a/b+c=&d' })
    const answer = answerOf(response)
    assert.equal(answer.get('state'), 'a/b+c=&d')
    assert.match(String(response.headers.location), /^\/user\/alice\/oauth_callback\?code=/)

    const token = await exchange(hub, { code: answer.get('code')! })

    assert.equal(token.headers['cache-control'], 'no-store')
    const { access_token, ...rest } = token.json()
    assert.partialDeepStrictEqual(rest, { token_type: 'Bearer', expires_in: 1_209_600 })
    assert.deepEqual(rest.scope.split(' ').sort(), [
      'access:servers!server=alice/',
      'read:users:groups!user',
      'read:users:name!user',
    ])
    const who = await hub.app.inject({ url: '/hub/api/user', headers: { authorization: `Bearer ${access_token}` } })
    assert.partialDeepStrictEqual(who.json(), {
      name: 'alice',
      session_id: hub.sessionId,
      scopes: ['access:servers!server=alice/', 'read:users:groups!user=alice', 'read:users:name!user=alice'],
    })
  })

  it('tells the person, not the address, when client or address are wrong', async t => {
    const hub = await startHub(t)
    const wrong: [Record<string, string>, string][] = [
      [{ client_id: '' }, 'Missing client_id parameter.'],
      [{ client_id: 'unknown' }, 'Invalid client_id parameter value.'],
      [{ client_id: 'jupyterhub' }, 'Invalid client_id parameter value.'],
      [{ redirect_uri: 'https://evil.example/' }, 'Mismatching redirect URI.'],
      [{ redirect_uri: `${CLIENT.redirectUri}/` }, 'Mismatching redirect URI.'],
      [{ redirect_uri: `${CLIENT.redirectUri}?x=y` }, 'Mismatching redirect URI.'],
      [{ redirect_uri: 'callback' }, 'Invalid redirect URI.'],
      [{ redirect_uri: '' }, 'Missing redirect URI.'],
    ]
    for (const [parameters, message] of wrong) {
      const response = await authorize(hub, parameters)
      assert.deepEqual(
        [response.statusCode, response.json().message, response.headers.location],
        [400, message, undefined],
      )
    }
    const twice = await hub.app.inject({ url: `${authorizeUrl({})}&client_id=other`, headers: { cookie: hub.cookie } })
    assert.equal(twice.json().message, 'Duplicate client_id parameter.')
  })

  it('tells the client what is wrong with its request, with its state', async t => {
    const hub = await startHub(t)
    const wrong: [Record<string, string>, Record<string, string>][] = [
      [{ response_type: 'token' }, { error: 'unsupported_response_type' }],
      [{ scope: 'admin:users' }, { error: 'invalid_scope' }],
      [{ scope: 'no-such-scope-or-role' }, { error: 'invalid_scope' }],
      [
        { code_challenge: 'x', code_challenge_method: 'S512' },
        { error: 'invalid_request', error_description: 'Transform algorithm not supported.' },
      ],
    ]
    for (const [parameters, expected] of wrong) {
      const response = await authorize(hub, { ...parameters, state: 'st' })
      assert.deepEqual(Object.fromEntries(answerOf(response)), { ...expected, state: 'st' })
    }
  })

  it('refuses whoever may not enter, and clients that stand for nothing', async t => {
    const hub = await startHub(t)
    const bob = await hub.addUser('bob')
    const refused = await authorize(hub, {}, await hub.signIn(bob.id))
    assert.deepEqual(
      [refused.statusCode, refused.json().message],
      [403, 'You do not have permission to access Server at /user/alice/'],
    )

    await hub.database.db.updateTable('spawners').set({ oauth_client_id: null }).execute()
    const orphaned = await authorize(hub)
    assert.deepEqual([orphaned.statusCode, orphaned.json().code], [500, 'oauth_client_orphaned'])
  })

  it('asks somebody else before their token goes to a server', async t => {
    const hub = await startHub(t)
    const admin = await hub.addUser('root', { admin: true })
    const response = await authorize(hub, {}, await hub.signIn(admin.id))
    assert.equal(response.statusCode, 200)
    assert.deepEqual(
      hub.consent()?.scope_descriptions.map(({ scope }) => scope),
      [null],
    )
  })
})

describe('consent', () => {
  it('is asked for a service, for no more than the user has, and granted by the form alone', async t => {
    const hub = await startHub(t)
    const grader = await addGrader(hub)
    const page = await authorize(hub, { ...grader, state: 'st' })
    assert.match(String(page.headers['content-type']), /^text\/html/)
    const vars = hub.consent()!
    assert.deepEqual([...vars.allowed_scopes].sort(), [
      'access:services!service=grader',
      'read:users!user',
      'read:users:groups!user',
      'read:users:name!user',
      'read:users:name!user=alice', // what `list:users` comes to for her
    ])
    assert.deepEqual(
      vars.scope_descriptions.map(({ scope, filter }) => [scope, filter]),
      [['read:users', 'only you']],
    )

    const agree = (headers: Record<string, string>, extra: string[] = []) =>
      hub.app.inject({
        method: 'POST',
        url: authorizeUrl({ ...grader, state: 'st' }),
        headers: { cookie: hub.cookie, 'content-type': 'application/x-www-form-urlencoded', ...headers },
        payload: new URLSearchParams([...vars.allowed_scopes, ...extra].map(scope => ['scopes', scope])).toString(),
      })
    assert.equal((await agree({})).json().code, 'xsrf_missing')
    assert.equal((await agree({ cookie: '' })).statusCode, 403)
    const granted = await agree({ 'x-xsrftoken': vars.xsrf })
    assert.match(String(granted.headers.location), /^https:\/\/grader\.example\/callback\?keep=1&code=[\w-]+&state=st$/)
    const tooMuch = await agree({ 'x-xsrftoken': vars.xsrf }, ['admin:users'])
    assert.equal(answerOf(tooMuch).get('error'), 'invalid_scope')
    const notHis = await agree({ 'x-xsrftoken': vars.xsrf }, ['list:users'])
    const token = await exchange(hub, {
      code: answerOf(notHis).get('code')!,
      client_id: 'service-grader',
      client_secret: 'the secret of the grader',
      redirect_uri: grader.redirect_uri,
    })
    assert.ok(!token.json().scope.includes('list:users'))
  })

  it('is not asked again for what was granted, but for more', async t => {
    const hub = await startHub(t)
    const grader = await addGrader(hub)
    const scope = 'read:users!user'
    await hub.access.issueToken({
      user: hub.alice,
      clientId: 'service-grader',
      scopes: ['read:users:name!user', 'read:users:groups!user', 'access:services!service=grader'],
      expiresInSeconds: 60,
    })
    assert.equal((await authorize(hub, { ...grader, scope: 'identify' })).statusCode, 302)
    assert.equal((await authorize(hub, { ...grader, scope })).statusCode, 200)
    hub.clock.advance(61_000)
    assert.equal((await authorize(hub, { ...grader, scope: 'identify' })).statusCode, 200)
  })

  it('is not asked for services the administrator vouches for', async t => {
    const hub = await startHub(t)
    const grader = await addGrader(hub, { oauthNoConfirm: true })
    assert.equal((await authorize(hub, grader)).statusCode, 302)
  })

  it('to everything is one line', async t => {
    const hub = await startHub(t)
    const grader = await addGrader(hub, { allowedScopes: ['inherit'] })
    await authorize(hub, grader)
    assert.deepEqual(hub.consent()?.allowed_scopes, ['inherit'])
    assert.deepEqual(
      hub.consent()?.scope_descriptions.map(({ scope }) => scope),
      ['inherit'],
    )
  })

  it('knows roles by name', async t => {
    const hub = await startHub(t)
    const grader = await addGrader(hub)
    await hub.addRole('reader', ['read:users!user'])
    await authorize(hub, { ...grader, scope: 'reader' })
    assert.deepEqual(
      hub.consent()?.scope_descriptions.map(({ scope }) => scope),
      ['read:users'],
    )
  })
})

for (const kind of testDatabases())
  describe(`token, on ${kind.name}`, () => {
    const startHub = (t: TestContext) => startHubOn(t, { open: kind.open })

    it('is given once for a code, also to two requests at once', async t => {
      const hub = await startHub(t)
      const code = await codeOf(hub)
      const answers = await Promise.all([exchange(hub, { code }), exchange(hub, { code })])
      assert.deepEqual(answers.map(answer => answer.statusCode).sort(), [200, 400])
      const replayed = await exchange(hub, { code })
      assert.deepEqual([replayed.statusCode, replayed.json()], [400, { error: 'invalid_grant' }])
    })

    it('is refused for an old code', async t => {
      const hub = await startHub(t)
      const code = await codeOf(hub)
      hub.clock.advance(301_000)
      assert.equal((await exchange(hub, { code })).json().error, 'invalid_grant')
    })

    it('is refused to clients without the right secret, who do not use the code up', async t => {
      const hub = await startHub(t)
      await addGrader(hub)
      const code = await codeOf(hub)
      const strangers: Record<string, string>[] = [
        { client_secret: 'wrong' },
        { client_secret: '' },
        { client_id: 'unknown' },
        { client_id: 'jupyterhub', client_secret: '' },
      ]
      for (const fields of strangers) {
        const response = await exchange(hub, { code, ...fields })
        assert.deepEqual([response.statusCode, response.json().error], [401, 'invalid_client'])
        assert.equal(response.headers['www-authenticate'], 'Bearer error="invalid_client"')
      }
      const foreign = await exchange(hub, {
        code,
        client_id: 'service-grader',
        client_secret: 'the secret of the grader',
        redirect_uri: 'https://grader.example/callback?keep=1',
      })
      assert.equal(foreign.json().error, 'invalid_grant')
      assert.equal((await exchange(hub, { code })).statusCode, 200)
    })

    it('takes the client from a Basic header as well', async t => {
      const hub = await startHub(t)
      const basic = (secret: string) => `Basic ${Buffer.from(`${CLIENT.identifier}:${secret}`).toString('base64')}`
      const send = async (authorization: string, extra = '') =>
        hub.app.inject({
          method: 'POST',
          url: '/hub/api/oauth2/token',
          headers: { 'content-type': 'application/x-www-form-urlencoded', authorization },
          payload: `grant_type=authorization_code&code=${await codeOf(hub)}${extra}`,
        })
      assert.equal((await send(basic(encodeURIComponent(CLIENT.secret)))).statusCode, 200)
      const wrong = await send(basic('wrong'))
      assert.deepEqual([wrong.statusCode, wrong.headers['www-authenticate']], [401, 'Basic error="invalid_client"'])
      assert.equal((await send(basic('x'), '&client_secret=y')).json().error, 'invalid_request')
    })

    it('is refused for other grants, missing codes, other addresses and queries', async t => {
      const hub = await startHub(t)
      assert.equal((await exchange(hub, { grant_type: 'password', code: 'x' })).json().error, 'unsupported_grant_type')
      assert.deepEqual((await exchange(hub, {})).json(), {
        error: 'invalid_request',
        error_description: 'Missing code parameter.',
      })
      const elsewhere = await exchange(hub, { code: await codeOf(hub), redirect_uri: 'https://evil.example/' })
      assert.equal(elsewhere.json().error_description, 'Mismatching redirect URI.')
      const inQuery = await hub.app.inject({ method: 'POST', url: '/hub/api/oauth2/token?code=x' })
      assert.equal(inQuery.json().error, 'invalid_request')
      const json = await hub.app.inject({
        method: 'POST',
        url: '/hub/api/oauth2/token',
        payload: { grant_type: 'authorization_code' },
      })
      assert.equal(json.json().error, 'unsupported_grant_type')
    })

    it('of a client goes with the client, and with the session', async t => {
      const hub = await startHub(t)
      const token = async () => (await exchange(hub, { code: await codeOf(hub) })).json().access_token
      const first = await token()
      const second = await token()
      await hub.app.inject({ url: '/sign-out', headers: { cookie: hub.cookie } })
      assert.equal(await hub.access.identifyToken(first), undefined)
      assert.equal(await hub.access.identifyToken(second), undefined)

      const cookie = await hub.signIn(hub.alice.id)
      const third = (await exchange(hub, { code: answerOf(await authorize(hub, {}, cookie)).get('code')! })).json()
        .access_token
      assert.ok(await hub.access.identifyToken(third))
      assert.equal(await removeOauthClient(hub.database.db, CLIENT.identifier), true)
      hub.access.changed()
      assert.equal(await hub.access.identifyToken(third), undefined)
    })
  })

describe('PKCE', () => {
  it('ties the code to the verifier', async t => {
    const hub = await startHub(t)
    const { verifier, challenge } = pkcePair()
    const pkce = { code_challenge: challenge, code_challenge_method: 'S256' }
    const wrong = await exchange(hub, { code: await codeOf(hub, pkce), code_verifier: pkcePair().verifier })
    assert.deepEqual(wrong.json(), { error: 'invalid_grant' })
    const missing = await exchange(hub, { code: await codeOf(hub, pkce) })
    assert.deepEqual(missing.json(), { error: 'invalid_request', error_description: 'Code verifier required.' })
    const asPlain = await exchange(hub, { code: await codeOf(hub, pkce), code_verifier: challenge })
    assert.deepEqual(asPlain.json(), { error: 'invalid_grant' })
    assert.equal((await exchange(hub, { code: await codeOf(hub, pkce), code_verifier: verifier })).statusCode, 200)
  })

  it('without a method is plain', async t => {
    const hub = await startHub(t)
    assert.equal(
      (
        await exchange(hub, {
          code: await codeOf(hub, { code_challenge: 'v'.repeat(43) }),
          code_verifier: 'v'.repeat(43),
        })
      ).statusCode,
      200,
    )
  })

  it('can be required of every client', async t => {
    const hub = await startHub(t, { requirePkce: true })
    const { verifier, challenge } = pkcePair()
    assert.equal(answerOf(await authorize(hub)).get('error_description'), 'Code challenge required.')
    const code = await codeOf(hub, { code_challenge: challenge, code_challenge_method: 'S256' })
    assert.equal((await exchange(hub, { code, code_verifier: verifier })).statusCode, 200)
  })
})

describe('guesses at secrets and tokens', () => {
  it('are told with the address, right ones are not', async t => {
    const told: string[] = []
    const wrong = async (address: string, guess: string) => void told.push(`${address} ${guess}`)
    const hub = await startHub(t, { tokenGuesses: { check: async () => {}, wrong } })
    const { token } = await hub.access.issueToken({ user: hub.alice })
    const ask = (asked: string) =>
      hub.app.inject({ url: `/hub/api/authorizations/token/${asked}`, headers: { authorization: `token ${token}` } })

    assert.equal((await exchange(hub, { code: await codeOf(hub) })).statusCode, 200)
    assert.equal((await ask(token)).statusCode, 200)
    assert.deepEqual(told, [])
    assert.equal((await exchange(hub, { code: await codeOf(hub), client_secret: 'guess' })).statusCode, 401)
    assert.equal((await ask('another')).statusCode, 404)
    assert.deepEqual(told, ['127.0.0.1 guess', '127.0.0.1 another'])
  })
})

describe('old ways to ask who somebody is', () => {
  it('answer callers with a token, and nobody else', async t => {
    const hub = await startHub(t)
    const service = await hub.addService('asker')
    const { token: asker } = await hub.access.issueToken({ service: { id: service }, scopes: [] })
    const { token } = await hub.access.issueToken({ user: hub.alice })
    const ask = (
      url: string,
      headers: Record<string, string> = { authorization: `token ${asker}` },
      payload?: string,
    ) =>
      hub.app.inject({ url: `/hub/api/authorizations/${url}`, headers, ...(payload === undefined ? {} : { payload }) })
    const login = /jupyterhub-hub-login="?([^";]+)/.exec(hub.cookie)![1]!

    assert.partialDeepStrictEqual((await ask(`token/${token}`)).json(), { name: 'alice', sees: true })
    assert.equal((await ask(`cookie/jupyterhub-hub-login/${encodeURIComponent(login)}`)).json().name, 'alice')
    assert.equal((await ask('cookie/jupyterhub-hub-login', undefined, login)).json().name, 'alice')
    assert.equal((await ask('token/unknown')).statusCode, 404)
    assert.equal((await ask(`cookie/other/${encodeURIComponent(login)}`)).statusCode, 404)
    assert.equal((await ask(`token/${token}`, { cookie: hub.cookie })).statusCode, 403)
    assert.equal((await hub.app.inject({ method: 'POST', url: '/hub/api/authorizations/token' })).statusCode, 404)
  })
})

describe('logs', () => {
  it('hold no code, token, secret or cookie of a login, granted or refused', async t => {
    const hub = await startHub(t)
    const { verifier, challenge } = pkcePair()
    const code = await codeOf(hub, { code_challenge: challenge, code_challenge_method: 'S256', state: 'the state' })
    await exchange(hub, { code, code_verifier: 'a wrong verifier' })
    const second = await codeOf(hub, { code_challenge: challenge, code_challenge_method: 'S256' })
    const token = (await exchange(hub, { code: second, code_verifier: verifier })).json().access_token
    await exchange(hub, { code: second, client_secret: 'a wrong secret' })
    await authorize(hub, { scope: 'admin:users' })

    const logged = hub.logged()
    assert.match(logged, /refused a token request/)
    assert.match(logged, /refused an OAuth request/)
    const secrets = [
      code,
      second,
      token,
      verifier,
      challenge,
      CLIENT.secret,
      'a wrong verifier',
      'a wrong secret',
      'the state',
      hub.xsrf,
      hub.sessionId,
    ]
    for (const secret of secrets) assert.ok(!logged.includes(secret))
    assert.ok(cookieJar({ headers: {} }, hub.cookie).length > 0)
  })
})
