/** Who is let in where: every route that the hub declares, its own pages too, tried by a stranger and by a user. */
import assert from 'node:assert/strict'
import { after, before, describe, it } from 'node:test'
import type { FastifyInstance } from 'fastify'
import { requireScope } from '../../access/guards.ts'
import { cookieJar, testHub } from '../../access/testing.ts'
import { loadConfig } from '../../config/load-config.ts'
import { silentLogger } from '../../core/runtime.ts'
import { createUserNames } from '../../features/users/user-names.ts'
import { createHubServer } from '../../http/hub-server.ts'
import { createHubMetrics } from '../../http/metrics.ts'
import { metricsRoutes } from '../../http/metrics-routes.ts'
import { makeAuthenticator } from './make-authenticator.ts'
import { type HubParts, registerRoutes } from './register-routes.ts'

/** What a stranger gets; all else leads to the login page or is refused. */
const PUBLIC = [
  'GET /* -> 302 /hub/x',
  'GET /favicon.ico -> 200',
  'GET /hub -> 301 /hub/',
  'GET /hub/api -> 200',
  'GET /hub/api/ -> 200',
  'GET /hub/api/docs -> 200',
  'GET /hub/api/health -> 200',
  'GET /hub/api/openapi.json -> 200',
  'GET /hub/health -> 200',
  'GET /hub/login -> 200',
  'GET /hub/logo -> 200',
  'GET /hub/signup -> 200',
  'GET /hub/static/accent.css -> 200',
  'GET /hub/static/favicon.ico -> 200',
  'HEAD /hub/api/health -> 200',
  'HEAD /hub/health -> 200',
  'POST /hub/api/oauth2/token -> 400',
]
/** What another site may make a browser send: neither looks at who sends it. */
const BY_OTHER_SITES = ['POST /hub/api/oauth2/token -> 400', 'POST /hub/security/csp-report -> 200']
const REFUSED = /^(401|403|404|405|424)$/
const SIGN_IN = '/test/sign-in'

describe('every route of the hub', () => {
  const routes = new Map<string, { method: string; url: string }>()
  let server: FastifyInstance
  let cookies: string
  let close = async () => {}
  before(async () => {
    const hub = await testHub()
    const { access, database, clock } = hub
    const ann = await hub.addUser('ann')
    await hub.addUser('bob')
    server = createHubServer({ log: silentLogger, baseUrl: '/' })
    server.get(SIGN_IN, async (request, reply) => {
      await access.signIn(reply, request, ann)
      return 'signed in'
    })
    server.addHook('onRoute', ({ method, url }) => {
      for (const name of [method].flat()) routes.set(`${name} ${url}`, { method: name, url })
    })
    const config = await loadConfig({ env: {}, overrides: {} })
    const names = createUserNames()
    // Whoever gets past a guard meets what is not there, and that is a 500.
    const authenticator = makeAuthenticator({ config, database, launcher: undefined as never, names, clock })
    const absent = { cookieSecret: new Uint8Array(32), signIn: {}, spawning: {}, usage: {}, routes: {}, shareCodes: {} }
    const parts = { ...absent, authenticator, config, access, database, clock, log: silentLogger, names }
    await server.register(metricsRoutes(createHubMetrics(), requireScope(access, 'read:metrics')))
    await registerRoutes(server, parts as unknown as HubParts)
    await server.ready()
    cookies = cookieJar(await server.inject(SIGN_IN))
    close = async () => {
      await server.close()
      await hub.close()
    }
  })
  after(() => close())

  const about = (url: string) =>
    url
      .replace(':name', 'bob')
      .replace(':user', 'bob')
      .replace(':owner', 'bob')
      .replace(':number', '404')
      .replace(/:\w+|\*/g, 'x')
  const ask = async (route: { method: string; url: string }, headers: Record<string, string> = {}) => {
    const method = route.method as 'GET' // whichever it is
    const answer = await server.inject({ method, url: about(route.url), headers })
    const to = String(answer.headers.location ?? '')
    return to === '' ? String(answer.statusCode) : `${answer.statusCode} ${to.replace(/\?.*/, '')}`
  }
  const all = () => [...routes].sort(([a], [b]) => (a < b ? -1 : 1))

  it('shows a stranger no more than is meant for strangers', async () => {
    const open: string[] = []
    for (const [title, route] of all()) {
      const answer = await ask(route)
      if (!/^(401|403|404|405|424|302 \/hub\/login)$/.test(answer)) open.push(`${title} -> ${answer}`)
    }
    assert.deepEqual(open, PUBLIC)
  })

  it('changes nothing for a user whose browser was made to ask by another site', async () => {
    const changed: string[] = []
    for (const [title, route] of all()) {
      if (['GET', 'HEAD', 'OPTIONS'].includes(route.method)) continue
      const answer = await ask(route, {
        cookie: cookies,
        origin: 'https://evil.example',
        'sec-fetch-site': 'cross-site',
        'content-type': 'text/plain',
      })
      if (!REFUSED.test(answer)) changed.push(`${title} -> ${answer}`)
    }
    assert.deepEqual(changed, BY_OTHER_SITES)
  })
  it("lets a user neither at another's things nor at the administrators'", async () => {
    const reached: string[] = []
    const own = { cookie: cookies, 'x-xsrftoken': /_xsrf=([^;]*)/.exec(cookies)![1]! }
    const made = await server.inject({ method: 'POST', url: '/hub/api/users/ann/tokens', headers: own })
    assert.equal(made.statusCode, 201)
    for (const [title, route] of all()) {
      if (!/:(name|user|owner)\b|\/hub\/(admin|authorize)\b/.test(route.url)) continue
      const answer = await ask(route, own)
      if (!REFUSED.test(answer)) reached.push(`${title} -> ${answer}`)
    }
    assert.deepEqual(reached, [])
  })
})
