/**
 * With subdomains, the released JupyterHub and Orrery lead people the same ways: redirects between hosts, what servers
 * and services are told, models, cookies, routes. Names are resolved by the `Host` header alone.
 */
import assert from 'node:assert/strict'
import { request } from 'node:http'
import { createRequire } from 'node:module'
import { join } from 'node:path'
import { after, before, describe, it } from 'node:test'
import { freePorts } from '../support/free-ports.ts'
import { startOrrery } from '../support/orrery-process.ts'
import { referencePython } from '../support/python-env.ts'
import { startReferenceHub, TESTER_SCOPES } from '../support/reference-hub.ts'
import { until } from '../support/until.ts'

const TOKEN = 'token-of-the-tester-for-both'
const TINY = [referencePython(), join(import.meta.dirname, '../support/tiny-server.py')]
const BASE = '/jupyter/'
/** Told its path by another way than services are, which must find it themselves. */
const tinyService = (port: number) => [
  '/usr/bin/env',
  `JUPYTERHUB_SERVICE_URL=http://127.0.0.1:${port}${BASE}services/tiny/`,
  ...TINY,
]
/** As browsers and programs see it, with another port at each hub. */
const DOMAIN = 'hub.localhost'

interface Hub {
  /** Of its proxy. */
  readonly port: number
}

interface Answer {
  readonly status: number
  readonly location: string | undefined
  readonly cookies: readonly string[]
  readonly body: string
}

/** One request to the proxy for a host. */
function ask(hub: Hub, host: string, path: string, headers: Record<string, string> = {}, body?: string) {
  return new Promise<Answer>((resolve, reject) => {
    const method = body === undefined ? 'GET' : 'POST'
    const named = { host: `${host}:${hub.port}`, ...headers }
    const outgoing = request({ host: '127.0.0.1', port: hub.port, path, method, headers: named }, async incoming => {
      const text = (await incoming.toArray()).join('')
      const { location } = incoming.headers
      resolve({ status: incoming.statusCode!, location, cookies: incoming.headers['set-cookie'] ?? [], body: text })
    })
    outgoing.on('error', reject).end(body)
  })
}

const api = async (hub: Hub, path: string, body?: string) =>
  ask(hub, DOMAIN, `${BASE}hub/api${path}`, { authorization: `token ${TOKEN}` }, body)

const plain = (hub: Hub, text: string) => text.replace(new RegExp(`(:|%3A)${hub.port}\\b`, 'g'), '$1PORT')

for (const proxy of ['orrery', 'configurable-http-proxy'] as const) {
  describe(`subdomains, with the proxy ${proxy}`, { timeout: 600_000 }, () => {
    const ends: (() => Promise<void>)[] = []
    let theirs: Hub
    let ours: Hub

    before(async () => {
      const [first, second] = (await freePorts(2)) as [number, number]
      const reference = await startReferenceHub({
        baseUrl: BASE,
        configLines: port => [
          `c.JupyterHub.subdomain_host = 'http://${DOMAIN}:${port}'`,
          'c.JupyterHub.allow_named_servers = True',
          `c.Spawner.cmd = ${JSON.stringify(TINY)}`,
          `c.JupyterHub.services = [{'name': 'tester', 'api_token': '${TOKEN}'}, {'name': 'tiny', 'url': 'http://127.0.0.1:${first}', 'command': ${JSON.stringify(tinyService(first))}}]`,
          `c.JupyterHub.load_roles = [{'name': 'tester', 'services': ['tester'], 'scopes': ${JSON.stringify(TESTER_SCOPES)}}]`,
        ],
      })
      ends.push(reference.stop)
      theirs = { port: Number(new URL(reference.url).port) }
      let port = 0
      const orrery = await startOrrery({
        config: given => {
          port = given
          return {
            baseUrl: BASE,
            subdomainHost: `http://${DOMAIN}:${given}`,
            authenticator: { kind: 'dummy' },
            access: { allowAll: true, adminUsers: ['boss'] },
            servers: { cmd: TINY, allowNamedServers: true },
            services: [
              { name: 'tester', apiToken: TOKEN },
              {
                name: 'tiny',
                url: `http://127.0.0.1:${second}`,
                command: tinyService(second),
              },
            ],
            roles: [{ name: 'tester', services: ['tester'], scopes: TESTER_SCOPES }],
            ...(proxy === 'configurable-http-proxy' && { proxy: { command: [process.execPath, chp()] } }),
          }
        },
      })
      ends.push(() => orrery.stop())
      ours = { port }
      for (const hub of [theirs, ours]) {
        for (const name of ['ada', 'a.b']) assert.equal((await api(hub, `/users/${name}`, '')).status, 201)
        for (const path of ['ada/server', 'ada/servers/gpu', 'a.b/server']) {
          const { status, body } = await api(hub, `/users/${path}`, '{}')
          assert.ok([201, 202].includes(status), body)
        }
        await until(
          'the servers are ready',
          async () => {
            const model = async (name: string) => JSON.parse((await api(hub, `/users/${name}`)).body)
            const [ada, other] = [await model('ada'), await model('a.b')]
            return ada.servers['']?.ready && ada.servers.gpu?.ready && other.servers['']?.ready
          },
          120_000,
        )
      }
    })
    after(async () => {
      for (const end of ends) await end()
    })

    /** The same at both, ports aside; returns what it was. */
    async function alike<T>(what: (hub: Hub) => Promise<T>): Promise<T> {
      const seen = async (hub: Hub) => JSON.parse(plain(hub, JSON.stringify(await what(hub)))) as T // what JSON holds
      const [expected, actual] = [await seen(theirs), await seen(ours)]
      assert.deepEqual(actual, expected)
      return actual
    }

    it('tell servers the same', async () => {
      for (const [user, server] of [
        ['ada', ''],
        ['ada', 'gpu/'],
        ['a.b', ''],
      ] as const) {
        const { JUPYTERHUB_PUBLIC_URL: url, JUPYTERHUB_OAUTH_CALLBACK_URL: callback } = await alike(async hub => {
          const model = JSON.parse((await api(hub, `/users/${user}`)).body)
          const { url } = model.servers[server.replace('/', '')]
          const { hostname, pathname } = new URL(url)
          const { status, body } = await ask(hub, hostname, `${pathname}environment/`)
          assert.equal(status, 200, body)
          const { env } = JSON.parse(body) as { env: Record<string, string> } // as tiny-server.py writes it
          return env.JUPYTERHUB_HOST === undefined ? {} : told(env)
        })
        assert.ok(url?.startsWith('http://') && callback?.startsWith(url), `${url} ${callback}`)
      }
    })

    it('tell services the same', async () => {
      const env = await alike(async hub => {
        const { body } = await until('the service answers', async () => {
          const answer = await ask(hub, `tiny--service.${DOMAIN}`, `${BASE}services/tiny/environment/`)
          return answer.status === 200 && answer
        })
        return told((JSON.parse(body) as { env: Record<string, string> }).env) // as tiny-server.py writes it
      })
      assert.equal(env.JUPYTERHUB_PUBLIC_URL, `http://tiny--service.${DOMAIN}:PORT${BASE}services/tiny/`)
    })

    it('show the same addresses in models and the same routes', async () => {
      await alike(async hub => {
        const { servers, server } = JSON.parse((await api(hub, '/users/ada')).body)
        const addresses = Object.values(servers as Record<string, Record<string, unknown>>).map(model =>
          ['url', 'full_url', 'progress_url', 'full_progress_url'].map(name => model[name]),
        )
        return { server, addresses }
      })
      await alike(async hub => JSON.parse((await api(hub, '/services/tiny')).body).prefix)
      const specs = await alike(async hub => Object.keys(JSON.parse((await api(hub, '/proxy')).body)).sort())
      assert.deepEqual(specs, [
        '/',
        `ada.${DOMAIN}${BASE}user/ada/`,
        `ada.${DOMAIN}${BASE}user/ada/gpu/`,
        `tiny--service.${DOMAIN}${BASE}services/tiny/`,
        `u-ab--${specs[4]?.slice(6, 13)}.${DOMAIN}${BASE}user/a.b/`,
      ])
    })

    it('tell of a ready server with its whole address', async () => {
      await alike(async hub => JSON.parse((await api(hub, '/users/ada/server/progress')).body.replace(/^data: /, '')))
    })

    it('lead visits on all hosts to the hub, and from there to the server', async () => {
      for (const [host, path] of [
        [DOMAIN, '/'],
        [DOMAIN, BASE],
        [DOMAIN, `${BASE}user/ada/lab`],
        [`ada.${DOMAIN}`, '/'],
        [`ada.${DOMAIN}`, BASE],
        [`ada.${DOMAIN}`, `${BASE}user/bob/lab?x=y`],
        [`bob.${DOMAIN}`, `${BASE}user/bob/`],
        [`nobody.${DOMAIN}`, '/elsewhere'],
      ] as const) {
        const [status, location] = await alike(async hub => {
          const answer = await ask(hub, host, path)
          return [answer.status, answer.location] as const
        })
        assert.equal(status, 302)
        assert.match(String(location), new RegExp(`^http://${DOMAIN}:PORT${BASE}hub/`), `${host}${path}`)
      }
    })

    it('set the session cookie for all hosts, the login for the hub’s own', async () => {
      const cookies = await alike(async hub => {
        const { cookies } = await signIn(hub, 'ada')
        return cookies
          .map(line => `${line.split('=')[0]}:${/;\s*domain=([^;]*)/i.exec(line)?.[1]?.toLowerCase() ?? 'host'}`)
          .sort()
      })
      assert.ok(cookies.includes(`jupyterhub-session-id:${DOMAIN}`), String(cookies))
      assert.ok(cookies.includes('jupyterhub-hub-login:host'), String(cookies))
    })

    it('follow `next` to their own hosts alone', async () => {
      for (const next of [
        `http://ada.${DOMAIN}:PORT${BASE}user/ada/lab`,
        `http://${DOMAIN}:PORT${BASE}hub/token`,
        `http://ada.${DOMAIN}:1${BASE}user/ada/lab`,
        `http://evil${DOMAIN}:PORT/x`,
        'http://elsewhere.localhost/x',
      ]) {
        await alike(async hub => {
          const cookie = await login(hub, 'ada')
          const path = `${BASE}hub/login?next=${encodeURIComponent(next.replace('PORT', String(hub.port)))}`
          const { status, location } = await ask(hub, DOMAIN, path, { cookie })
          return [status, location]
        })
      }
    })

    it('lead their user from the hub to the running server', async () => {
      for (const path of ['hub/', 'hub/login', 'hub/user/ada/lab', 'hub/spawn', 'hub/user-redirect/lab/tree/x?y=z']) {
        await alike(async hub => {
          const { status, location } = await ask(hub, DOMAIN, BASE + path, { cookie: await login(hub, 'ada') })
          return [status, location]
        })
      }
    })

    // From here on ours alone: JupyterHub shows its pages on all hosts, where signing in leads nowhere.
    it('show pages of the hub on its own host alone, and answer the API on all', async () => {
      const cookie = await login(ours, 'ada')
      const page = await ask(ours, `ada.${DOMAIN}`, `${BASE}hub/home?x=y`, { cookie })
      assert.deepEqual([page.status, page.location], [302, `http://${DOMAIN}:${ours.port}${BASE}hub/home?x=y`])
      const form = await ask(ours, `ada.${DOMAIN}`, `${BASE}hub/login`, {}, 'username=ada')
      assert.equal(form.status, 421)
      assert.ok(!form.cookies.some(line => /login|session/.test(line)), String(form.cookies))
      const user = await ask(ours, `ada.${DOMAIN}`, `${BASE}hub/api/users/ada`, { authorization: `token ${TOKEN}` })
      assert.equal(user.status, 200)
    })

    it('lead links to services to their hosts', async () => {
      const link = await ask(ours, DOMAIN, `${BASE}services/tiny/a%20b?x=y`)
      const target = `http://tiny--service.${DOMAIN}:${ours.port}${BASE}services/tiny/a%20b?x=y`
      assert.deepEqual([link.status, link.location], [302, target])
      const home = await ask(ours, DOMAIN, `${BASE}hub/home`, { cookie: await login(ours, 'boss') })
      assert.ok(home.body.includes(`href="http://tiny--service.${DOMAIN}:${ours.port}${BASE}services/tiny/"`))
    })
  })
}

/** What is told of addresses. */
function told(env: Record<string, string>): Record<string, string> {
  const names = [
    'HOST',
    'BASE_URL',
    'PUBLIC_URL',
    'PUBLIC_HUB_URL',
    'OAUTH_CALLBACK_URL',
    'SERVICE_PREFIX',
    'CLIENT_ID',
  ]
  return Object.fromEntries(names.map(name => [`JUPYTERHUB_${name}`, env[`JUPYTERHUB_${name}`] ?? '(none)']))
}

async function signIn(hub: Hub, username: string): Promise<Answer> {
  const page = await ask(hub, DOMAIN, `${BASE}hub/login`)
  const xsrf = page.cookies.find(line => line.startsWith('_xsrf='))!.split(';')[0]!
  const form = new URLSearchParams({ username, password: 'any', _xsrf: xsrf.slice('_xsrf='.length) })
  const type = 'application/x-www-form-urlencoded'
  return ask(hub, DOMAIN, `${BASE}hub/login`, { cookie: xsrf, 'content-type': type }, String(form))
}

async function login(hub: Hub, username: string): Promise<string> {
  const { cookies } = await signIn(hub, username)
  return cookies.map(line => line.split(';')[0]).join('; ')
}

function chp(): string {
  return createRequire(import.meta.url).resolve('configurable-http-proxy/bin/configurable-http-proxy')
}
