import assert from 'node:assert/strict'
import { after, before, describe, it } from 'node:test'
import type { PluginRequest } from '../plugin/authenticator.ts'
import { type PagesHub, pagesHub, type Visitor } from './testing.ts'

describe("routes of an authenticator's own", () => {
  let pages: PagesHub
  let root: Visitor
  let ada: Visitor
  const seen: PluginRequest[] = []

  before(async () => {
    pages = await pagesHub({
      authenticator: {
        name: 'sample',
        login: { kind: 'redirect', label: 'Sign in with Sample', url: 'sample/login' },
        routes(router) {
          router.get('sample/callback', 'everyone', async request => {
            seen.push(request)
            return { signedIn: { name: request.query.name! }, next: request.query.next! }
          })
          router.get('sample/page/:id', 'signed-in', async ({ params, user, hubUrl }) => ({
            page: 'error.html',
            status: 418,
            vars: { status_code: 418, message: `${user?.name} at ${params.id} ${hubUrl('login')}`, at: new Date() },
          }))
          router.get('sample/admin', 'admin', async () => ({ redirect: '/hub/admin' }))
          router.post('sample/form', 'everyone', async request => {
            seen.push(request)
            return { redirect: request.hubUrl('home') }
          })
        },
      },
    })
    await pages.hub.addUser('ada')
    await pages.hub.addUser('root', { admin: true })
    ada = pages.visitor()
    await ada.get('/hub/sample/callback?name=ada')
    root = pages.visitor()
    await root.get('/hub/sample/callback?name=root')
  })
  after(() => pages.close())

  it('are reached from the login page by a button that keeps next', async () => {
    const login = await pages.visitor().get('/hub/login?next=%2Fhub%2Ftoken')

    assert.match(login.body, /href="\/hub\/sample\/login\?next=%2Fhub%2Ftoken">Sign in with Sample</)
    assert.doesNotMatch(login.body, /type="password"/)
  })

  it('sign people in, and send them on within this site only', async () => {
    const visitor = pages.visitor()

    const home = await visitor.get('/hub/sample/callback?name=ada&next=%2Fhub%2Fhome')
    const away = await pages.visitor().get('/hub/sample/callback?name=ada&next=https%3A%2F%2Fevil.example')

    assert.equal(home.headers.location, '/hub/home')
    assert.equal((await visitor.get('/hub/home')).statusCode, 200)
    assert.equal(away.headers.location, '/hub/spawn')
  })

  it('turn away whom the rules of the hub do not let in', async () => {
    const answer = await pages.visitor().get('/hub/sample/callback?name=mallory')

    assert.equal(answer.statusCode, 403)
    assert.match(answer.body, /mallory may not sign in here\./)
  })

  it('keep their levels of access', async () => {
    const stranger = await pages.visitor().get('/hub/sample/page/7')
    const user = await ada.get('/hub/sample/page/7')
    const notAdmin = await ada.get('/hub/sample/admin')
    const admin = await root.get('/hub/sample/admin')

    assert.equal(stranger.headers.location, '/hub/login?next=%2Fhub%2Fsample%2Fpage%2F7')
    assert.equal(user.statusCode, 418)
    assert.match(user.body, /ada at 7 \/hub\/login/)
    assert.equal(notAdmin.statusCode, 403)
    assert.equal(admin.headers.location, '/hub/admin')
  })

  it('get a form only with the xsrf token, and never see it', async () => {
    seen.length = 0

    const forged = await ada.postBare('/hub/sample/form', { colour: 'red' })
    const own = await ada.post('/hub/sample/form', { colour: 'red' })

    assert.equal(forged.statusCode, 403)
    assert.equal(own.headers.location, '/hub/home')
    assert.deepEqual(
      seen.map(({ form, user }) => ({ form: { ...form }, user: user?.name })),
      [{ form: { colour: 'red' }, user: 'ada' }],
    )
  })
})

describe('signing in by what a proxy in front says', () => {
  it('needs no form', async () => {
    const pages = await pagesHub({
      authenticator: { name: 'remote-user', login: { kind: 'request' } },
      signIn: {
        attempt: async ({ headers }) => {
          const user = await pages.deps.users.find(headers['remote-user'] ?? '')
          return user ? { user } : { refused: 'not_signed_in', message: 'Nobody vouches for you.', status: 403 }
        },
      },
    })
    await pages.hub.addUser('ada')

    const ada = await pages.visitor().get('/hub/login?next=%2Fhub%2Fhome', { 'remote-user': 'ada' })
    const nobody = await pages.visitor().get('/hub/login')
    const goodbye = await pages.visitor().get('/hub/logout')
    await pages.close()

    assert.equal(ada.headers.location, '/hub/home')
    assert.equal(nobody.statusCode, 403)
    assert.match(nobody.body, /Nobody vouches for you\./)
    assert.match(goodbye.body, /You are signed out/)
  })
})
