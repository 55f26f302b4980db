/** What a site may choose of the login page: `signIn` of the config. */
import assert from 'node:assert/strict'
import { describe, it, type TestContext } from 'node:test'
import type { PageSettings } from './deps.ts'
import { type PagesHubOptions, pagesHub } from './testing.ts'

const provider: PagesHubOptions['authenticator'] = {
  name: 'sample',
  login: { kind: 'redirect', label: 'Sign in with Sample', url: 'sample/login' },
  routes(router) {
    router.get('sample/login', 'everyone', async ({ query }) => ({ signedIn: { name: 'ada' }, next: query.next! }))
  },
}

describe('a login page that leads straight to the provider', () => {
  it('keeps next, signs in, and shows itself to whoever has just signed out', async t => {
    const visitor = await visit(t, { autoLogin: true }, provider)

    const away = await visitor.get('/hub/login?next=%2Fhub%2Ftoken')
    assert.deepEqual([away.statusCode, away.headers.location], [302, '/hub/sample/login?next=%2Fhub%2Ftoken'])
    assert.equal((await visitor.get(String(away.headers.location))).headers.location, '/hub/token')
    assert.equal((await visitor.get('/hub/home')).statusCode, 200)
    const goodbye = await visitor.get('/hub/logout')
    assert.equal(goodbye.statusCode, 200)
    assert.match((await visitor.get('/hub/login?signed_out=1')).body, /Sign in with Sample/)
  })

  it('is the usual one where the authenticator has a form', async t => {
    const visitor = await visit(t, { autoLogin: true })
    assert.match((await visitor.get('/hub/login')).body, /type="password"/)
  })
})

describe('signing out', () => {
  it('leads where the site says', async t => {
    const visitor = await visit(t, { logoutRedirectUrl: 'https://login.example.org/logout' }, provider)
    await visitor.get('/hub/sample/login')
    const answer = await visitor.get('/hub/logout')
    assert.deepEqual([answer.statusCode, answer.headers.location], [302, 'https://login.example.org/logout'])
    assert.equal((await visitor.get('/hub/home')).statusCode, 302)
  })
})

describe('the login form', () => {
  it('asks for a one-time code by the name that the site gives it', async t => {
    const asked = await visit(t, { requestOtp: true, otpPrompt: 'Code of your <key>' })
    assert.match((await asked.get('/hub/login')).body, /Code of your &lt;key&gt;<\/label>[\s\S]*name="otp"/)
    assert.doesNotMatch((await (await visit(t, {})).get('/hub/login')).body, /name="otp"/)
  })

  it('is the one of the site, with the fields that it needs filled in and escaped', async t => {
    const html =
      '<form id="own" action="{{ authenticator_login_url }}">{{ xsrf }} {{ login_error }} {{ username }}</form>'
    for (const customLoginHtml of [html, () => html]) {
      const visitor = await visit(t, { customLoginHtml })
      const page = (await visitor.get('/hub/login?next=%2Fhub%2Ftoken&username=%3Cb%3E')).body
      assert.match(page, /<form id="own" action="\/hub\/login\?next=%2Fhub%2Ftoken">[^ ]{20,} {2}&lt;b&gt;<\/form>/)
      assert.doesNotMatch(page, /type="password"/)
    }
  })
})

async function visit(
  t: TestContext,
  settings: Partial<PageSettings>,
  authenticator?: PagesHubOptions['authenticator'],
) {
  const pages = await pagesHub({ settings, ...(authenticator && { authenticator }) })
  t.after(() => pages.close())
  await pages.hub.addUser('ada')
  return pages.visitor()
}
