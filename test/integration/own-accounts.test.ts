/** Own accounts through the hub's real pages, cookies and access rules; the browser is played by `fastify.inject`. */
import assert from 'node:assert/strict'
import { after, before, describe, it } from 'node:test'
import { ownAccounts } from '../../src/authenticators/own-accounts/own-accounts.ts'
import { CHEAP } from '../../src/authenticators/own-accounts/testing.ts'
import { silentLogger, systemClock } from '../../src/core/runtime.ts'
import type { Database } from '../../src/db/database.ts'
import { openDatabase } from '../../src/db/open-database.ts'
import { endSessions } from '../../src/features/accounts/end-sessions.ts'
import { makeFirstAdminLink } from '../../src/features/accounts/first-admin-link.ts'
import { sqlOneTimeLinkStore } from '../../src/features/accounts/one-time-links.ts'
import { sqlAccountStore } from '../../src/features/accounts/store.ts'
import { createSignIn, type SignIn } from '../../src/features/sign-in/sign-in.ts'
import { createUserNames } from '../../src/features/users/user-names.ts'
import { type PagesHub, pagesHub, type Visitor } from '../../src/pages/testing.ts'

const PASSWORD = 'correct horse battery'
const typed = (username: string, password = PASSWORD) => ({ username, password, password_confirm: password })

describe('own accounts, from an empty hub on', () => {
  let pages: PagesHub
  let store: Database
  let firstLink: string
  let root: Visitor

  before(async () => {
    store = await openDatabase('sqlite://', { log: silentLogger })
    const stores = { accounts: sqlAccountStore(store), links: sqlOneTimeLinkStore(store) }
    let signIn: SignIn | undefined
    const authenticator = ownAccounts({
      ...stores,
      passwordCost: CHEAP,
      refusalFloorMs: 0,
      endSessions: name => endSessions(pages.hub.database, name),
    })
    const hub = () => {
      signIn ??= createSignIn({
        database: pages.hub.database,
        authenticator,
        names: createUserNames(),
        access: {},
        limits: { failures: 5, addressFailures: 20, windowMs: 600_000, lockMs: 300_000 },
        log: silentLogger,
        clock: systemClock,
      })
      return signIn
    }
    pages = await pagesHub({
      authenticator,
      signIn: {
        attempt: attempt => hub().attempt(attempt),
        admit: (proven, address) => hub().admit(proven, address),
        throttle: key => hub().throttle(key),
      },
    })
    firstLink = (await makeFirstAdminLink(pages.hub.database, stores, systemClock))!
    root = pages.visitor()
  })
  after(async () => {
    await pages.close()
    await store.close()
  })

  it('the printed link makes the first administrator, who is signed in at once', async () => {
    const form = await root.get(`/hub/${firstLink}`)
    assert.equal(form.statusCode, 200)
    const link = firstLink.replace('first-admin?link=', '')

    const made = await root.post('/hub/first-admin', { link, ...typed('root-user') }, { from: `/hub/${firstLink}` })

    assert.equal(made.statusCode, 303)
    assert.equal((await root.get('/hub/home')).statusCode, 200)
    assert.equal((await root.get('/hub/authorize')).statusCode, 200)
    assert.equal((await pages.visitor().get(`/hub/${firstLink}`)).statusCode, 403)
  })

  it('who signs up waits, and enters once approved', async () => {
    const ada = pages.visitor()
    const signedUp = await ada.post('/hub/signup', typed('Ada'), { from: '/hub/signup' })
    assert.equal(signedUp.statusCode, 200)
    const early = await ada.signIn('ada', PASSWORD)
    assert.equal(early.statusCode, 403)
    assert.match(early.body, /waits until an administrator approves/)
    assert.equal((await ada.get('/hub/authorize')).statusCode, 302)

    const list = await root.get('/hub/authorize?show=waiting')
    assert.match(list.body, /ada/)
    const decided = await root.post('/hub/authorize', { name: 'ada', do: 'approve' }, { from: '/hub/authorize' })
    assert.equal(decided.statusCode, 303)

    assert.equal((await ada.signIn('ada', PASSWORD)).statusCode, 302)
    assert.equal((await ada.get('/hub/home')).statusCode, 200)
    assert.equal((await ada.get('/hub/authorize')).statusCode, 403)
  })

  it('a changed password ends the other sessions and keeps this one', async () => {
    const [here, there] = [pages.visitor(), pages.visitor()]
    for (const browser of [here, there]) await browser.signIn('ada', PASSWORD)

    const form = { old_password: PASSWORD, password: 'another good one', password_confirm: 'another good one' }
    const changed = await here.post('/hub/change-password', form, { from: '/hub/change-password' })

    assert.equal(changed.headers.location, '/hub/change-password?changed')
    assert.equal((await here.get('/hub/home')).statusCode, 200)
    pages.hub.clock.advance(60_000) // who a cookie belongs to is remembered for a moment
    assert.equal((await there.get('/hub/home')).statusCode, 302)
  })

  it('a temporary password leads to a page where a new one is chosen', async () => {
    const reset = await root.post(
      '/hub/change-password/ada',
      { how: 'temporary' },
      { from: '/hub/change-password/ada' },
    )
    const temporary = /([a-z2-9]{4}-){3}[a-z2-9]{4}/.exec(reset.body)![0]
    const ada = pages.visitor()

    const due = await ada.signIn('ada', temporary)

    assert.equal(due.statusCode, 303)
    const page = String(due.headers.location)
    const link = new URL(page, 'http://hub').searchParams.get('link')!
    const chosen = await ada.post('/hub/reset-password', { link, ...typed('', 'my own at last') }, { from: page })
    assert.equal(chosen.statusCode, 200)
    assert.equal((await ada.signIn('ada', 'my own at last')).statusCode, 302)
  })

  it('wrong password and unknown name are answered alike, and locked alike', async () => {
    const [ada, nobody] = ['ada', 'nobody'].map(async name => {
      const visitor = pages.visitor()
      const statuses: number[] = []
      for (let n = 0; n < 6; n++) statuses.push((await visitor.signIn(name, 'wrong')).statusCode)
      return statuses
    })
    assert.deepEqual(await ada, [403, 403, 403, 403, 403, 429])
    assert.deepEqual(await nobody, await ada)
  })

  it('a form that came from another site is refused', async () => {
    const stranger = pages.visitor()
    const answer = await stranger.postBare('/hub/signup', { _xsrf: 'forged', ...typed('eve') })
    assert.equal(answer.statusCode, 403)
  })
})
