/** A FastAPI service in the manner of JupyterHub's documentation, with released FastAPI, uvicorn and httpx. */
import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { agree } from '../../support/consent.ts'
import { HttpSession } from '../../support/http-session.ts'
import { tokenOf } from '../../support/own-server.ts'

type OpenApi = {
  components: { securitySchemes: Record<string, { flows: { authorizationCode: { authorizationUrl: string } } }> }
}

const ACCESS = 'access:services!service=api'

export function fastapiService(site: { url(): string }): void {
  describe('a FastAPI service', () => {
    const ask = (path: string, token?: string) =>
      fetch(`${site.url()}/services/api${path}`, { headers: token ? { authorization: `Bearer ${token}` } : {} })

    /** What the docs page of FastAPI does behind its button `Authorize`. */
    const signIn = async (name: string, scopes = ACCESS) => {
      const document = (await (await ask('/openapi.json')).json()) as OpenApi
      const scheme = document.components.securitySchemes.OAuth2AuthorizationCodeBearer!
      const { authorizationUrl } = scheme.flows.authorizationCode
      const callback = '/services/api/oauth_callback'
      const query = `&response_type=code&redirect_uri=${encodeURIComponent(callback)}&state=s1&scope=${encodeURIComponent(scopes)}`
      const session = new HttpSession(site.url())
      await session.signIn(name, 'any')
      return { session, page: await session.go(authorizationUrl + query) }
    }

    it('shows its documents to everybody and its data to nobody', async () => {
      assert.equal((await ask('/docs')).status, 200)
      assert.equal((await ask('/me')).status, 401)
      assert.equal((await ask('/me', 'nonsense')).status, 401)
    })

    it('exchanges the code of somebody who agreed for a token', async () => {
      const { session, page } = await signIn('ada')
      const agreed = await agree(session, page)
      const back = new URL(agreed.headers.get('location')!, site.url())
      assert.equal(back.searchParams.get('state'), 's1')
      const code = back.searchParams.get('code')!
      const handIn = () =>
        fetch(`${site.url()}/services/api/get_token`, { method: 'POST', body: new URLSearchParams({ code }) })
      const answer = await handIn()
      assert.equal(answer.status, 200)
      const { access_token: token } = (await answer.json()) as { access_token: string }

      assert.partialDeepStrictEqual(await (await ask('/me', token)).json(), { name: 'ada', kind: 'user' })
      assert.equal((await handIn()).status, 400, 'a code is good for once')
    })

    it('gets the scopes that it asks for and may have, and no more', async () => {
      const { session, page } = await signIn('ada', `${ACCESS} read:servers!user`)
      const agreed = await agree(session, page)
      const answer = await session.go(agreed.headers.get('location')!)
      const { access_token: token } = (await answer.json()) as { access_token: string }
      assert.deepEqual(await (await ask('/servers', token)).json(), {})

      const greedy = await signIn('ada', `${ACCESS} read:users!user admin:users`)
      assert.equal(new URL(greedy.page.at).searchParams.get('error'), 'invalid_scope')

      const narrow = await tokenOf(site.url(), 'ada', [ACCESS])
      assert.deepEqual([(await ask('/me', narrow)).status, (await ask('/servers', narrow)).status], [200, 403])
    })

    it('is closed to people without access', async () => {
      assert.equal((await signIn('bea')).page.status, 403)
      assert.equal((await ask('/me', await tokenOf(site.url(), 'bea'))).status, 403)
    })
  })
}
