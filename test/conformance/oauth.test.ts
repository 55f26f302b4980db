/** The same logins of OAuth clients, right and wrong, at the released JupyterHub and at Orrery. */
import assert from 'node:assert/strict'
import { once } from 'node:events'
import { request as httpRequest, type IncomingMessage } from 'node:http'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { text } from 'node:stream/consumers'
import { after, before, describe, it } from 'node:test'
import { ensureOauthClient } from '../../src/access/oauth-clients.ts'
import { signValue } from '../../src/access/signed-cookie.ts'
import { TEST_SECRET } from '../../src/access/testing.ts'
import { oauthHub, pkcePair } from '../../src/oauth/testing.ts'
import { startReferenceHub } from '../support/reference-hub.ts'

const SECRET = 'the-token-of-the-service'
const SESSION = '0123456789abcdef0123456789abcdef'
const services = [
  { name: 'vouched', oauthNoConfirm: true, scopes: [] as string[] },
  { name: 'asking', oauthNoConfirm: false, scopes: ['read:users!user', 'list:users'] },
]
const callback = (name: string) => `/services/${name}/oauth_callback`
const userScopes = ['self', ...services.map(({ name }) => `access:services!service=${name}`)]
const { verifier, challenge } = pkcePair()
const S256 = { code_challenge: challenge, code_challenge_method: 'S256' }

interface Hub {
  readonly url: string
  /** Of alice; signed by us at both hubs. */
  readonly cookie: string
  readonly xsrf: string
  readonly stop: () => Promise<void>
}
interface Answer {
  readonly status: number
  readonly location: string
  readonly json: unknown
  readonly challenge: string | undefined
  readonly caching: string | undefined
}

function credentials(cookieId: string): { cookie: string; xsrf: string } {
  const login = signValue(TEST_SECRET, 'jupyterhub-hub-login', cookieId, new Date())
  const xsrf = Buffer.from(signValue(TEST_SECRET, '_xsrf', `${SESSION}:${cookieId}`, new Date())).toString('base64url')
  return { xsrf, cookie: `jupyterhub-session-id=${SESSION}; jupyterhub-hub-login="${login}"; _xsrf=${xsrf}` }
}

async function startTheirs(): Promise<Hub> {
  const lines = services.map(({ name, oauthNoConfirm, scopes }) =>
    JSON.stringify({
      name,
      api_token: SECRET + name,
      oauth_client_id: `service-${name}`,
      oauth_redirect_uri: callback(name),
      oauth_client_allowed_scopes: scopes,
    }).replace('{', `{"oauth_no_confirm": ${oauthNoConfirm ? 'True' : 'False'}, `),
  )
  const hub = await startReferenceHub({
    configLines: [
      `c.JupyterHub.cookie_secret = bytes.fromhex('${TEST_SECRET.toString('hex')}')`,
      `c.JupyterHub.services += [${lines.join(', ')}]`,
      `c.JupyterHub.load_roles += [{'name': 'user', 'scopes': ${JSON.stringify(userScopes)}}]`,
    ],
  })
  const made = await fetch(`${hub.hubUrl}/hub/api/users/alice`, {
    method: 'POST',
    headers: { authorization: `token ${hub.adminToken}` },
  })
  assert.equal(made.status, 201)
  const sqlite = new DatabaseSync(join(hub.dir, 'jupyterhub.sqlite'), { readOnly: true })
  const { cookie_id } = sqlite.prepare("select cookie_id from users where name = 'alice'").get() as {
    cookie_id: string
  } // a text column
  sqlite.close()
  return { url: hub.hubUrl, stop: hub.stop, ...credentials(cookie_id) }
}

async function startOurs(): Promise<Hub> {
  const hub = await oauthHub()
  const { db } = hub.database
  for (const { name, oauthNoConfirm, scopes } of services) {
    const identifier = `service-${name}`
    const allowedScopes = [...scopes, `access:services!service=${name}`]
    await ensureOauthClient(db, { identifier, secret: SECRET + name, redirectUri: callback(name), allowedScopes })
    await hub.addService(name, { oauthClientId: identifier, oauthNoConfirm })
  }
  await db
    .updateTable('roles')
    .set({ scopes: JSON.stringify(userScopes) })
    .where('name', '=', 'user')
    .execute()
  await hub.app.listen({ port: 0, host: '127.0.0.1' })
  const { port } = hub.app.server.address() as AddressInfo // listens on TCP by the line above
  return { url: `http://127.0.0.1:${port}`, stop: hub.close, ...credentials(hub.alice.cookieId) }
}

async function send(
  hub: Hub,
  method: string,
  path: string,
  options: { cookie?: string; form?: string; headers?: Record<string, string> } = {},
) {
  const headers = {
    ...(options.cookie === undefined ? {} : { cookie: options.cookie }),
    ...(options.form === undefined
      ? {}
      : {
          'content-type': 'application/x-www-form-urlencoded',
          'content-length': String(Buffer.byteLength(options.form)),
        }),
    ...options.headers,
  }
  const request = httpRequest(hub.url + path, { method, headers, agent: false })
  request.end(options.form)
  const [response] = (await once(request, 'response')) as [IncomingMessage] // documented by node:http
  const body = await text(response)
  return { status: response.statusCode!, headers: response.headers, body }
}

function answerOf({ status, headers, body }: Awaited<ReturnType<typeof send>>): Answer {
  const isJson = String(headers['content-type']).startsWith('application/json')
  const json = isJson && body.includes('"') ? (JSON.parse(body) as Record<string, unknown>) : undefined // an object by the API
  return {
    status,
    location: String(headers.location ?? '').replace(/code=[^&]+/, 'code=CODE'),
    // Pages of errors look different; what the token endpoint says is compared.
    json: json && ('error' in json || 'access_token' in json) ? normal(json) : undefined,
    challenge: headers['www-authenticate'],
    caching: json && 'access_token' in json ? headers['cache-control'] : undefined,
  }
}

function normal(json: Record<string, unknown>): unknown {
  const scope = typeof json.scope === 'string' ? json.scope.split(' ').sort().join(' ') : undefined
  return { ...json, ...('access_token' in json ? { access_token: 'TOKEN' } : {}), ...(scope ? { scope } : {}) }
}

describe('OAuth, as the released JupyterHub', () => {
  const hubs: Hub[] = []
  before(async () => {
    hubs.push(await startTheirs())
    hubs.push(await startOurs())
  })
  after(async () => {
    for (const hub of hubs) await hub.stop()
  })
  const authorizePath = (name: string, parameters: Record<string, string> = {}) =>
    `/hub/api/oauth2/authorize?${new URLSearchParams({ client_id: `service-${name}`, redirect_uri: callback(name), response_type: 'code', ...parameters })}`
  const both = async (ask: (hub: Hub) => Promise<Awaited<ReturnType<typeof send>>>, title: string) => {
    const [theirs, ours] = [answerOf(await ask(hubs[0]!)), answerOf(await ask(hubs[1]!))]
    assert.deepEqual(ours, theirs, title)
  }

  const asked: [string, string][] = [
    ['a vouched client', authorizePath('vouched', { state: 'a b/c+d' })],
    ['with PKCE', authorizePath('vouched', S256)],
    ['an asking client', authorizePath('asking')],
    ['naming its own access only', authorizePath('asking', { scope: 'identify' })],
    ['an allowed scope', authorizePath('asking', { scope: 'read:users!user' })],
    ['an unknown scope', authorizePath('asking', { scope: 'fly', state: 's' })],
    ['a scope it was not given', authorizePath('vouched', { scope: 'admin:users', state: 's' })],
    ['another response type', authorizePath('vouched', { response_type: 'token', state: 's' })],
    [
      'no response type',
      `/hub/api/oauth2/authorize?client_id=service-vouched&redirect_uri=${encodeURIComponent(callback('vouched'))}`,
    ],
    ['no address', '/hub/api/oauth2/authorize?client_id=service-vouched&response_type=code'],
    ['another address', authorizePath('vouched', { redirect_uri: 'https://evil.example/' })],
    ['no client', '/hub/api/oauth2/authorize?response_type=code'],
    ['an unknown client', authorizePath('nobody')],
    ["the hub's own client", '/hub/api/oauth2/authorize?client_id=jupyterhub&response_type=code'],
    ['a parameter twice', `${authorizePath('vouched')}&state=a&state=b`],
    ['an unknown PKCE method', authorizePath('vouched', { code_challenge: 'x', code_challenge_method: 'S512' })],
  ]
  it('asks, grants and refuses alike', async () => {
    for (const [title, path] of asked) {
      await both(hub => send(hub, 'GET', path, { cookie: hub.cookie }), title)
      await both(hub => send(hub, 'GET', path), `${title}, without a login`)
    }
  })

  it('takes consent alike', async () => {
    const agree = (hub: Hub, scopes: string[], xsrf: string) =>
      send(hub, 'POST', authorizePath('asking', { state: 's' }), {
        cookie: hub.cookie,
        form: new URLSearchParams([
          ['_xsrf', xsrf],
          ...scopes.map(scope => ['scopes', scope]),
        ] as string[][]).toString(),
      })
    await both(hub => agree(hub, ['read:users!user'], hub.xsrf), 'one scope')
    await both(hub => agree(hub, [], hub.xsrf), 'no scope')
    await both(hub => agree(hub, ['admin:users'], hub.xsrf), 'a scope it was not given')
    await both(hub => agree(hub, ['read:users!user'], 'guess'), 'a wrong xsrf token')
    await both(hub => agree(hub, ['read:users!user'], ''), 'no xsrf token')
  })

  it('exchanges codes alike', async () => {
    const codeOf = async (hub: Hub, parameters: Record<string, string> = {}) => {
      const { headers } = await send(hub, 'GET', authorizePath('vouched', parameters), { cookie: hub.cookie })
      return new URL(headers.location!, hub.url).searchParams.get('code')!
    }
    const exchange = async (hub: Hub, fields: Record<string, string>) =>
      send(hub, 'POST', '/hub/api/oauth2/token', {
        form: new URLSearchParams({
          grant_type: 'authorization_code',
          client_id: 'service-vouched',
          client_secret: `${SECRET}vouched`,
          redirect_uri: callback('vouched'),
          ...fields,
        }).toString(),
      })
    await both(async hub => exchange(hub, { code: await codeOf(hub) }), 'a code')
    await both(
      async hub => exchange(hub, { code: await codeOf(hub, S256), code_verifier: verifier }),
      'a code with PKCE',
    )
    await both(
      async hub => exchange(hub, { code: await codeOf(hub, S256), code_verifier: challenge }),
      'a wrong verifier',
    )
    await both(async hub => exchange(hub, { code: await codeOf(hub, S256) }), 'no verifier')
    await both(
      async hub =>
        exchange(hub, { code: await codeOf(hub, { code_challenge: 'p'.repeat(43) }), code_verifier: 'p'.repeat(43) }),
      'plain PKCE',
    )
    await both(async hub => {
      const code = await codeOf(hub)
      await exchange(hub, { code })
      return exchange(hub, { code })
    }, 'a used code')
    await both(hub => exchange(hub, { code: 'unknown' }), 'an unknown code')
    await both(hub => exchange(hub, {}), 'no code')
    await both(hub => exchange(hub, { grant_type: 'password', code: 'x' }), 'another grant')
    await both(
      async hub => exchange(hub, { code: await codeOf(hub), redirect_uri: 'https://evil.example/' }),
      'another address',
    )
    await both(async hub => exchange(hub, { code: await codeOf(hub), client_secret: 'wrong' }), 'a wrong secret')
    await both(async hub => exchange(hub, { code: await codeOf(hub), client_id: 'unknown' }), 'an unknown client')
    await both(
      async hub =>
        exchange(hub, { code: await codeOf(hub), client_id: 'service-asking', client_secret: `${SECRET}asking` }),
      "another client's code",
    )
  })
})
