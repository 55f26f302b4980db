/** What a site chooses about ways through the pages: `pages.defaultUrl`, `hooks.userRedirect` and their like. */
import assert from 'node:assert/strict'
import { describe, it, type TestContext } from 'node:test'
import { HubError } from '../core/errors.ts'
import type { PageSettings } from './deps.ts'
import { pagesHub } from './testing.ts'

const key = { user: 'ada', server: '' }
const ready = { phase: 'ready', since: new Date(), url: '/user/ada/' } as const

async function hubWith(test: TestContext, settings: Partial<PageSettings>) {
  const pages = await pagesHub({ settings })
  test.after(() => pages.close())
  await pages.hub.addUser('ada')
  await pages.hub.addUser('root', { admin: true })
  const ada = pages.visitor()
  return { pages, ada }
}

describe('the default address', () => {
  it('is where everybody arrives, signed in or not, whatever next says at /hub/', async test => {
    const { pages, ada } = await hubWith(test, { defaultUrl: '/hub/home?tab=1' })

    const stranger = await pages.visitor().get('/hub/?next=/hub/token')
    const signedIn = await ada.signIn('ada')
    const arrived = await ada.get('/hub/?x=1')
    const onward = await ada.get('/hub/login?next=%2Fhub%2Ftoken')

    assert.equal(stranger.headers.location, '/hub/home?tab=1')
    assert.equal(signedIn.headers.location, '/hub/home?tab=1')
    assert.equal(arrived.headers.location, '/hub/home?tab=1')
    assert.equal(onward.headers.location, '/hub/token')
  })

  it('can be chosen for each user, and left to the hub for others', async test => {
    const { pages, ada } = await hubWith(test, {
      defaultUrl: async user => (user?.admin ? '/hub/admin' : undefined),
    })
    const root = pages.visitor()

    assert.equal((await pages.visitor().get('/hub/')).headers.location, '/hub/login?next=%2Fhub%2F')
    assert.equal((await ada.signIn('ada')).headers.location, '/hub/spawn')
    assert.equal((await root.signIn('root')).headers.location, '/hub/admin')
    assert.equal((await root.get('/hub/')).headers.location, '/hub/admin')
  })

  it('is the home page where people are not sent to their server', async test => {
    const { pages, ada } = await hubWith(test, { redirectToServer: false })
    pages.servers.set(key, ready)

    assert.equal((await ada.signIn('ada')).headers.location, '/hub/home')
  })
})

describe('/user-redirect/', () => {
  it('leads to the default server of the site', async test => {
    const { ada } = await hubWith(test, { defaultServerName: 'lab' })
    await ada.signIn('ada')

    const answer = await ada.get('/hub/user-redirect/tree/x.ipynb?a=1')

    assert.equal(answer.headers.location, '/hub/spawn/ada/lab?next=%2Fuser%2Fada%2Flab%2Ftree%2Fx.ipynb%3Fa%3D1')
  })

  it('leads where the hook says, which knows path, arguments and user', async test => {
    const { ada } = await hubWith(test, {
      userRedirect: async ({ path, query, user, baseUrl }) =>
        path.startsWith('git-pull') ? `${baseUrl}user/${user.name}/${path}?${query}&by=${user.id}` : undefined,
    })
    await ada.signIn('ada')

    const chosen = await ada.get('/hub/user-redirect/git-pull/a%20b?repo=x%26y')
    const usual = await ada.get('/hub/user-redirect/lab')

    assert.match(String(chosen.headers.location), /^\/user\/ada\/git-pull\/a%20b\?repo=x%26y&by=\d+$/)
    assert.equal(usual.headers.location, '/hub/spawn/ada?next=%2Fuser%2Fada%2Flab')
  })

  it('never leads to another site, whatever a link makes the hook say', async test => {
    const { ada } = await hubWith(test, { userRedirect: ({ query }) => query.get('to') ?? '' })
    await ada.signIn('ada')

    for (const to of ['https://evil.example/', '//evil.example', 'javascript:alert(1)', '']) {
      const answer = await ada.get(`/hub/user-redirect/x?to=${encodeURIComponent(to)}`)
      assert.deepEqual([answer.statusCode, answer.headers.location], [500, undefined], to)
    }
    assert.equal((await ada.get('/hub/user-redirect/x?to=/hub/token')).headers.location, '/hub/token')
  })
})

describe('a stopped server', () => {
  it('answers 503 where old JupyterLab wants that', async test => {
    const { ada } = await hubWith(test, { useLegacyStoppedServerStatusCode: true })
    await ada.signIn('ada')

    assert.equal((await ada.get('/hub/user/ada/lab')).statusCode, 503)
    assert.equal((await ada.get('/hub/user/ada/api/status')).statusCode, 503)
  })

  it('is started by its page after the time that is set', async test => {
    const { ada } = await hubWith(test, { implicitSpawnSeconds: 3 })
    await ada.signIn('ada')

    assert.match((await ada.get('/hub/user/ada/lab')).body, /http-equiv="refresh" content="3|data-[a-z-]*seconds="3"/)
  })
})

describe('signing out', () => {
  it('stops the servers that run, where that is set', async test => {
    const { pages, ada } = await hubWith(test, { shutdownOnLogout: true })
    await ada.signIn('ada')
    pages.servers.set(key, ready)
    pages.servers.set({ user: 'ada', server: 'gpu' }, { phase: 'stopped' })
    pages.servers.set({ user: 'root', server: '' }, ready)

    await ada.get('/hub/logout')

    assert.deepEqual(pages.servers.asked, ['stop ada/ by ada'])
  })
})

describe('the limit of named servers', () => {
  it('may depend on the user', async test => {
    const { pages, ada } = await hubWith(test, { namedServerLimitPerUser: async user => (user.admin ? 0 : 1) })
    pages.servers.set({ user: 'ada', server: 'gpu' }, { phase: 'stopped' })
    pages.servers.set({ user: 'root', server: 'gpu' }, { phase: 'stopped' })
    const root = pages.visitor()
    await ada.signIn('ada')
    await root.signIn('root')

    assert.equal((await ada.get('/hub/spawn/ada/other')).statusCode, 400)
    assert.equal((await root.get('/hub/spawn/root/other')).statusCode, 302)
    assert.match((await ada.get('/hub/home')).body, /You may have 1 besides/)
  })
})

describe('a function of the site that gives something else', () => {
  it('is told as such, and nothing is taken for its answer', async test => {
    const { pages, ada } = await hubWith(test, {
      namedServerLimitPerUser: () => undefined as never,
      defaultUrl: user => (user ? (7 as never) : undefined),
    })
    const signedIn = await ada.signIn('ada', undefined, '?next=/hub/token')

    assert.equal(signedIn.headers.location, '/hub/token')
    for (const [url, option] of [
      ['/hub/spawn/ada/one', 'servers.namedServerLimitPerUser'],
      ['/hub/', 'pages.defaultUrl'],
    ] as const) {
      const answer = await ada.get(url)
      assert.equal(answer.statusCode, 500)
      assert.ok(answer.body.includes(`${option} did not give`), url)
    }
    assert.deepEqual(pages.servers.asked, [])
  })
})

describe('a start that is turned away', () => {
  it('says on its page when to come again, to people and to programs', async test => {
    const { pages, ada } = await hubWith(test, {})
    await ada.signIn('ada')
    pages.servers.fault = new HubError('too_many_starts', {
      status: 429,
      message: 'Too many users trying to log in right now. Try again in 40 seconds.',
      headers: { 'Retry-After': '37' },
    })

    for (const url of ['/hub/spawn', '/hub/spawn/ada']) {
      const answer = await ada.get(url)
      assert.equal(answer.statusCode, 429)
      assert.equal(answer.headers['retry-after'], '37')
      assert.match(answer.body, /Try again in 40 seconds/)
    }
  })
})

describe('the login form', () => {
  it('asks to accept the terms of the site', async test => {
    const { pages } = await hubWith(test, { loginTermUrl: 'https://example.org/terms' })

    assert.match((await pages.visitor().get('/hub/login')).body, /href="https:\/\/example.org\/terms"/)
  })
})
