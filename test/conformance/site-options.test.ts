/** What a site chooses in its config has the same effects at the released JupyterHub and at Orrery, below a base path. */
import assert from 'node:assert/strict'
import { once } from 'node:events'
import { readFileSync } from 'node:fs'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'
import { after, before, describe, it } from 'node:test'
import { HttpSession } from '../support/http-session.ts'
import { startOrrery } from '../support/orrery-process.ts'
import { startReferenceHub, TESTER_SCOPES } from '../support/reference-hub.ts'

const TOKEN = 'token-of-the-tester-for-both'
const HUB = '/jupyter/hub/'
const DESCRIPTIONS = { read: 'Read the reports of the site', all: 'Change the reports of the site' }
const SCOPES = [...TESTER_SCOPES, 'custom:reports']
const CALLBACK = '/jupyter/services/reports/oauth_callback'

const python = (reports: string) => [
  'c.JupyterHub.allow_named_servers = True',
  'c.JupyterHub.named_server_limit_per_user = 1',
  "c.JupyterHub.default_server_name = 'lab'",
  'c.JupyterHub.redirect_to_server = False',
  'c.JupyterHub.use_legacy_stopped_server_status_code = True',
  'c.JupyterHub.implicit_spawn_seconds = 7',
  'c.JupyterHub.api_page_default_limit = 2',
  'c.JupyterHub.api_page_max_limit = 3',
  'c.JupyterHub.active_server_limit = 0',
  `c.JupyterHub.custom_scopes = {'custom:reports': {'description': '${DESCRIPTIONS.all}', 'subscopes': ['custom:reports:read']}, 'custom:reports:read': {'description': '${DESCRIPTIONS.read}'}}`,
  "c.JupyterHub.extra_user_scopes = ['custom:reports!user', 'access:services']",
  `c.JupyterHub.services = [{'name': 'tester', 'api_token': '${TOKEN}'}, {'name': 'reports', 'url': '${reports}', 'api_token': 'token-of-the-reports', 'oauth_client_allowed_scopes': ['custom:reports:read!user']}]`,
  `c.JupyterHub.load_roles = [{'name': 'tester', 'services': ['tester'], 'scopes': ${JSON.stringify(SCOPES)}}]`,
  "c.JupyterHub.tornado_settings = {'headers': {'X-Site': 'lab', 'Access-Control-Allow-Origin': '*'}, 'cookie_options': {'samesite': 'Strict'}}",
]
const ours = (reports: string) => ({
  baseUrl: '/jupyter/',
  authenticator: { kind: 'dummy' },
  access: { allowAll: true, adminUsers: ['boss'] },
  servers: {
    allowNamedServers: true,
    namedServerLimitPerUser: 1,
    defaultServerName: 'lab',
    useLegacyStoppedServerStatusCode: true,
    implicitSpawnSeconds: 7,
    cmd: [process.execPath], // none is started
  },
  pages: { redirectToServer: false },
  api: { pageDefaultLimit: 2, pageMaxLimit: 3 },
  customScopes: {
    'custom:reports': { description: DESCRIPTIONS.all, subscopes: ['custom:reports:read'] },
    'custom:reports:read': { description: DESCRIPTIONS.read },
  },
  extraUserScopes: ['custom:reports!user', 'access:services'],
  services: [
    { name: 'tester', apiToken: TOKEN },
    {
      name: 'reports',
      url: reports,
      apiToken: 'token-of-the-reports',
      oauthClientAllowedScopes: ['custom:reports:read!user'],
    },
  ],
  roles: [{ name: 'tester', services: ['tester'], scopes: SCOPES }],
  headers: { 'X-Site': 'lab', 'Access-Control-Allow-Origin': '*' },
  cookies: { sameSite: 'strict' },
})

interface Hub {
  /** Without its proxy. */
  readonly url: string
  /** Through it. */
  readonly publicUrl: string
  readonly ada: HttpSession
}

describe('options of a site', () => {
  const ends: (() => Promise<void>)[] = []
  const hubs: { theirs?: Hub; ours?: Hub } = {}
  before(async () => {
    const service = createServer((_request, response) => response.end()).listen(0, '127.0.0.1')
    ends.push(async () => void service.close())
    await once(service, 'listening')
    const reports = `http://127.0.0.1:${(service.address() as AddressInfo).port}` // listens on TCP
    const reference = await startReferenceHub({ configLines: python(reports), baseUrl: '/jupyter/' })
    ends.push(reference.stop)
    hubs.theirs = await signedIn(reference.hubUrl, reference.url)
    const orrery = await startOrrery({ config: ours(reports) })
    ends.push(() => orrery.stop())
    const config = JSON.parse(readFileSync(join(orrery.dataDir, 'orrery.config.json'), 'utf8')) as {
      hub: { bindUrl: string } // as startOrrery writes it
    }
    hubs.ours = await signedIn(config.hub.bindUrl, orrery.url)
  })
  after(async () => {
    for (const end of ends) await end()
  })

  /** The same at both; returns what it was. */
  async function alike<T>(ask: (hub: Hub) => Promise<T>): Promise<T> {
    const [expected, actual] = [await ask(hubs.theirs!), await ask(hubs.ours!)]
    assert.deepEqual(actual, expected)
    return actual
  }

  it('lay pages, redirects and cookies below the base path', async () => {
    for (const path of [
      '/',
      '/jupyter',
      '/jupyter/',
      '/jupyter/hub',
      HUB,
      `${HUB}home`,
      '/jupyter/user/ada/lab',
      '/lab',
    ]) {
      const [status, location] = await alike(async ({ url }) => {
        const response = await fetch(url + path, { redirect: 'manual' })
        return [response.status, response.headers.get('location')] as const
      })
      if (location) assert.match(location, /^\/jupyter\/hub\//, `${status} ${path}`)
    }
    const cookies = await alike(async ({ url }) => {
      const session = new HttpSession(url)
      await session.once(`${HUB}login`)
      return cookieShapes(await signIn(session))
    })
    assert.equal(cookies.length, 3)
    for (const cookie of cookies) assert.match(cookie, /Path=\/jupyter\/(hub\/)?;.*SameSite=Strict/i)
  })

  it('lead people home, and links to the default server', async () => {
    const arrived = await alike(async ({ url }) => (await signIn(new HttpSession(url))).headers.get('location'))
    const link = await alike(async ({ ada }) =>
      (await ada.once(`${HUB}user-redirect/tree/x.ipynb?a=1`)).headers.get('location'),
    )
    assert.equal(arrived, '/jupyter/hub/home')
    assert.match(link!, /^\/jupyter\/hub\/spawn\/ada\/lab\?next=/)
  })

  it('decide how stopped servers answer', async () => {
    const statuses = await alike(async ({ ada }) => [
      (await ada.once(`${HUB}user/ada/lab`, { headers: { accept: 'text/html' } })).status,
      (await ada.once(`${HUB}user/ada/api/status`)).status,
    ])
    assert.deepEqual(statuses, [503, 503])
  })

  it('bound pages of the API', async () => {
    const paged = await alike(async hub => {
      for (const name of ['u1', 'u2', 'u3', 'u4']) await api(hub, 'POST', `users/${name}`)
      const pages = await api(hub, 'GET', 'users', undefined, { accept: 'application/jupyterhub-pagination+json' })
      const list = await api(hub, 'GET', 'users')
      const many = await api(hub, 'GET', 'users?limit=100')
      return [
        (pages.json as { _pagination: { limit: number } })._pagination.limit,
        (list.json as unknown[]).length,
        (many.json as unknown[]).length,
      ]
    })
    assert.deepEqual(paged, [2, 3, 3])
  })

  it('bound named servers', async () => {
    const answers = await alike(async hub => {
      const first = await api(hub, 'PUT', 'users/ada/servers/one', {})
      const second = await api(hub, 'PUT', 'users/ada/servers/two', {})
      return [first.status, second.status, (second.json as { message: string }).message]
    })
    assert.deepEqual(answers.slice(0, 2), [201, 400])
  })

  it('give scopes of their own to users, tokens and OAuth', async () => {
    const scopes = await alike(async hub => {
      const made = await api(hub, 'POST', 'users/ada/tokens', { scopes: ['custom:reports:read!user=ada'] })
      const { token } = made.json as { token: string }
      const own = await api(hub, 'GET', 'user', undefined, { authorization: `token ${token}` })
      const unknown = await api(hub, 'POST', 'users/ada/tokens', { scopes: ['custom:nothing'] })
      const everything = await api(hub, 'POST', 'users/ada/tokens', {})
      const mine = await api(hub, 'GET', 'user', undefined, {
        authorization: `token ${(everything.json as { token: string }).token}`,
      })
      const custom = (answer: { json: unknown }) =>
        (answer.json as { scopes: string[] }).scopes.filter(scope => scope.startsWith('custom:')).sort()
      return { made: made.status, unknown: unknown.status, own: custom(own), mine: custom(mine) }
    })
    assert.deepEqual(scopes.own, ['custom:reports:read!user=ada'])
    assert.deepEqual(scopes.mine, ['custom:reports!user=ada', 'custom:reports:read!user=ada'])

    const asked = await alike(async ({ ada }) => {
      const query = new URLSearchParams({
        client_id: 'service-reports',
        redirect_uri: CALLBACK,
        response_type: 'code',
        state: 'x',
      })
      const page = await ada.once(`${HUB}api/oauth2/authorize?${query}`)
      return [page.status, (await page.text()).includes(DESCRIPTIONS.read)]
    })
    assert.deepEqual(asked, [200, true])
  })

  it('send their headers with every answer', async () => {
    for (const path of [`${HUB}api/`, `${HUB}login`, `${HUB}nowhere`, `${HUB}api/users`]) {
      const headers = await alike(async ({ url }) => {
        const response = await fetch(url + path)
        return [response.headers.get('x-site'), response.headers.get('access-control-allow-origin')]
      })
      assert.deepEqual(headers, ['lab', '*'])
    }
  })

  it('lead services below the base path, through the proxy', async () => {
    const statuses = await alike(async hub => {
      const table = await api(hub, 'GET', 'proxy')
      const outside = await fetch(`${hub.publicUrl}/hub/login`, { redirect: 'manual' })
      return [Object.keys(table.json as object).sort(), outside.status]
    })
    assert.deepEqual(statuses[0], ['/jupyter/', '/jupyter/services/reports/'])
  })
})

async function signedIn(url: string, publicUrl: string): Promise<Hub> {
  const ada = new HttpSession(url)
  await signIn(ada)
  return { url, publicUrl, ada }
}

async function signIn(session: HttpSession): Promise<Response> {
  const page = await session.once(`${HUB}login`)
  const xsrf = /name="_xsrf"[^>]*value="([^"]*)"/.exec(await page.text())?.[1] ?? ''
  const body = new URLSearchParams({ _xsrf: xsrf, username: 'ada', password: 'any' })
  return session.once(`${HUB}login`, { method: 'POST', body })
}

async function api(
  { url }: Hub,
  method: string,
  path: string,
  body?: object,
  headers: Record<string, string> = {},
): Promise<{ status: number; json: unknown }> {
  const response = await fetch(`${url}${HUB}api/${path}`, {
    method,
    headers: { authorization: `token ${TOKEN}`, ...headers },
    ...(body && { body: JSON.stringify(body) }),
  })
  const text = await response.text()
  return { status: response.status, json: text === '' ? undefined : JSON.parse(text) }
}

/** Names and attributes; values and dates are each hub's own. */
function cookieShapes(response: Response): string[] {
  return response.headers
    .getSetCookie()
    .map(line =>
      line
        .replace(/^([^=]+)=[^;]*/, '$1')
        .replace(/expires=[^;]*/i, 'expires')
        .split('; ')
        .sort()
        .join('; '),
    )
    .sort()
}
