/** `HubOAuthenticated` and `HubAuthenticated` of the released package: managed, external, and on another origin. */
import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { agree } from '../../support/consent.ts'
import { HttpSession } from '../../support/http-session.ts'
import { tokenOf } from '../../support/own-server.ts'

export function hubAuthServices(site: { url(): string; outside(): string; launcherToken: string }): void {
  const person = async (name: string) => {
    const session = new HttpSession(site.url())
    await session.signIn(name, 'any')
    return session
  }
  const bearer = (token: string) => ({ headers: { authorization: `Bearer ${token}` } })

  describe('HubOAuthenticated', () => {
    it('lets people in without a question where oauthNoConfirm says so', async () => {
      const bea = await person('bea')
      const page = await bea.go('/services/portal/?x=1')
      assert.equal(page.at, `${site.url()}/services/portal/?x=1`)
      assert.partialDeepStrictEqual(await page.json(), { kind: 'user', name: 'bea', admin: false, groups: [] })
    })

    it('leads somebody who is not signed in through the login and back', async () => {
      const cleo = new HttpSession(site.url())
      const login = await cleo.go('/services/portal/?y=2')
      assert.equal(new URL(login.at).pathname, '/hub/login')
      const page = await cleo.signIn('cleo', 'any', new URL(login.at).searchParams.get('next')!)
      assert.equal(page.at, `${site.url()}/services/portal/?y=2`)
    })

    it('asks for consent once, and only those who may use the service', async () => {
      const ada = await person('ada')
      const asked = await ada.go('/services/labbook/')
      assert.equal(new URL(asked.at).pathname, '/hub/api/oauth2/authorize')
      const agreed = await agree(ada, asked)
      const page = await ada.go(agreed.headers.get('location')!)
      assert.partialDeepStrictEqual(await page.json(), { name: 'ada', groups: ['physics'] })

      const again = await person('ada')
      assert.equal((await again.go('/services/labbook/')).at, `${site.url()}/services/labbook/`)

      const refused = await (await person('bea')).go('/services/labbook/')
      assert.deepEqual([refused.status, new URL(refused.at).pathname], [403, '/hub/api/oauth2/authorize'])
    })

    it('serves people from an address of its own', async () => {
      const there = new HttpSession(site.outside())
      const leaves = await there.once('/form')
      const ada = await person('ada')
      const asked = await ada.go(leaves.headers.get('location')!)
      const agreed = await agree(ada, asked)
      const page = await there.go(agreed.headers.get('location')!)
      assert.deepEqual([page.at, page.status], [`${site.outside()}/form`, 200])
    })

    it('takes its forms with its own _xsrf, beside the cookies of the hub', async () => {
      const bea = await person('bea')
      const form = await (await bea.go('/services/portal/form')).text()
      const xsrf = /name="_xsrf" value="([^"]*)"/.exec(form)![1]!
      const post = (fields: Record<string, string>) =>
        bea.once('/services/portal/form', { method: 'POST', body: new URLSearchParams(fields) })
      assert.equal((await post({ word: 'hello' })).status, 403)
      assert.equal(await (await post({ word: 'hello', _xsrf: xsrf })).text(), 'hello')
      assert.equal((await bea.go('/hub/home')).status, 200)
    })

    it('goes by the users and groups that a page names, as before there were scopes', async () => {
      const status = async (name: string) => (await (await person(name)).go('/services/portal/members')).status
      assert.equal(await status('ada'), 200, 'by her group')
      assert.equal(await status('bea'), 200, 'by her name')
      assert.equal(await status('cleo'), 403)
    })

    it('ends the session when one logs out at the hub', async () => {
      const bea = await person('bea')
      assert.equal((await bea.go('/services/portal/')).status, 200)

      await bea.go('/hub/logout')
      const after = await bea.go('/services/portal/')
      assert.equal(new URL(after.at).pathname, '/hub/login')
    })
  })

  describe('HubAuthenticated', () => {
    it('knows people by their tokens, in a header or in Bearer form', async () => {
      const token = await tokenOf(site.url(), 'ada')
      for (const scheme of ['Bearer', 'token']) {
        const answer = await fetch(`${site.url()}/services/labbook/api`, {
          headers: { authorization: `${scheme} ${token}` },
        })
        assert.partialDeepStrictEqual(await answer.json(), { kind: 'user', name: 'ada' })
      }
    })

    it('knows other services, and lets in those that have access', async () => {
      const ask = (name: string) =>
        fetch(`${site.url()}/services/${name}/api`, { headers: { authorization: `token ${site.launcherToken}` } })
      assert.partialDeepStrictEqual(await (await ask('labbook')).json(), { kind: 'service', name: 'launcher' })
      assert.equal((await ask('portal')).status, 403)
    })

    it('refuses whoever has no access, a token cut to less, and nobody', async () => {
      const ask = async (token: string) => (await fetch(`${site.url()}/services/labbook/api`, bearer(token))).status
      assert.equal(await ask(await tokenOf(site.url(), 'bea')), 403)
      assert.equal(await ask(await tokenOf(site.url(), 'ada', ['read:users!user'])), 403)
      assert.equal((await fetch(`${site.url()}/services/labbook/api`)).status, 403)
      const narrow = ['access:services!service=labbook', 'read:users:name!user']
      assert.equal(await ask(await tokenOf(site.url(), 'ada', narrow)), 200)
    })

    it('calls the hub with the token of the service, as far as its role goes', async () => {
      const people = await (await fetch(`${site.url()}/services/portal/people`)).json()
      assert.ok((people as string[]).includes('ada'))
      assert.equal((await fetch(`${site.url()}/services/labbook/people`)).status, 403, 'which has no role')
    })
  })
}
