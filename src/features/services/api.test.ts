import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import type { Database } from '../../db/database.ts'
import { testDatabases } from '../../db/testing.ts'
import { testApi } from '../testing.ts'
import { serviceRoutes } from './service-routes.ts'

const DOCS = '/hub/api/services/docs'

for (const kind of testDatabases()) {
  describe(`services made at run time on ${kind.name}`, () => {
    it('come with token, OAuth client and route, and go with them', async () => {
      await using api = await site(kind.open)
      const { admin } = api

      const made = await admin('POST', DOCS, {
        url: 'http://127.0.0.1:9999',
        api_token: 'token-of-docs',
        info: { a: 1 },
        oauth_no_confirm: true,
      })

      assert.equal(made.status, 201)
      assert.partialDeepStrictEqual(made.json, {
        kind: 'service',
        name: 'docs',
        admin: false,
        url: 'http://127.0.0.1:9999',
        prefix: '/services/docs/',
        info: { a: 1 },
        command: [],
      })
      assert.deepEqual([...(await serviceRoutes(api.hub.database, { baseUrl: '/' })).keys()], ['/services/docs/'])
      assert.deepEqual(api.asked, ['put routes right'])
      const itself = await api.as({ token: 'token-of-docs' })('GET', '/hub/api/user')
      assert.equal(itself.json.name, 'docs')

      assert.equal((await admin('DELETE', DOCS)).status, 200)
      assert.equal((await admin('GET', DOCS)).status, 404)
      assert.equal((await serviceRoutes(api.hub.database, { baseUrl: '/' })).size, 0)
      assert.equal((await api.as({ token: 'token-of-docs' })('GET', '/hub/api/user')).status, 403)
      const clients = await api.db.selectFrom('oauth_clients').select('identifier').execute()
      assert.ok(!clients.some(({ identifier }) => identifier === 'service-docs'))
    })

    it('are refused whole', async () => {
      await using api = await site(kind.open)
      const refusal = async (body: unknown) => {
        const { status, json } = await api.admin('POST', DOCS, body)
        return [status, json.code]
      }

      assert.deepEqual(await refusal({}), [400, 'service_invalid'])
      assert.deepEqual(await refusal({ command: ['sleep', '1'] }), [400, 'service_managed'])
      assert.deepEqual(await refusal({ oauth_no_confirm: true }), [400, 'service_invalid'])
      assert.deepEqual(await refusal({ url: 'ftp://x' }), [400, 'invalid_body'])
      assert.deepEqual(await refusal({ oauth_client_allowed_scopes: ['nothing'] }), [400, 'scope_unknown'])
      assert.deepEqual(await refusal({ api_token: 'short' }), [400, 'token_invalid'])
      assert.deepEqual(await api.db.selectFrom('services').select('name').where('name', '=', 'docs').execute(), [])
    })

    it('take nothing that is another one’s', async () => {
      await using api = await site(kind.open)
      await api.admin('POST', DOCS, { url: 'http://127.0.0.1:9999', api_token: 'token-of-docs' })

      const again = await api.admin('POST', DOCS, { display: false })
      const client = { url: 'http://127.0.0.1:1', oauth_client_id: 'service-docs' }
      const thief = await api.admin('POST', '/hub/api/services/thief', client)
      const sameToken = await api.admin('POST', '/hub/api/services/thief', { api_token: 'token-of-docs' })

      assert.deepEqual([again.status, again.json.code], [409, 'service_exists'])
      assert.deepEqual([thief.status, thief.json.code], [400, 'service_invalid'])
      assert.deepEqual([sameToken.status, sameToken.json.code], [400, 'token_taken'])
    })

    it('may do no more than whoever makes them', async () => {
      await using api = await site(kind.open)
      const maker = api.as(await api.service('maker', ['admin:services', 'read:groups!group=physics']))
      const withScopes = async (...scopes: string[]) =>
        (await maker('POST', DOCS, { url: 'http://127.0.0.1:9', oauth_client_allowed_scopes: scopes })).json.code

      assert.equal((await maker('POST', DOCS, { admin: true })).json.code, 'scope_not_held')
      assert.equal(await withScopes('read:groups'), 'scope_not_held')
      assert.equal(await withScopes('read:groups!group=physics'), undefined)
    })

    it('are made and removed by those who may, and those of the config by nobody', async () => {
      await using api = await site(kind.open)
      const alice = api.as(await api.user('alice'))
      await api.service('configured', [])
      await api.db.updateTable('services').set({ from_config: true }).where('name', '=', 'configured').execute()

      assert.equal((await alice('POST', DOCS, { display: false })).status, 403)
      assert.equal((await alice('DELETE', '/hub/api/services/configured')).status, 403)
      const refused = await api.admin('DELETE', '/hub/api/services/configured')
      assert.deepEqual([refused.status, refused.json.code], [405, 'service_of_config'])
      assert.equal((await api.admin('DELETE', '/hub/api/services/nothing')).status, 404)
    })
  })
}

async function site(open: () => Promise<Database>) {
  const api = await testApi({ open })
  const admin = api.as(await api.user('boss', { admin: true }))
  return { ...api, admin, [Symbol.asyncDispose]: () => api.close() }
}
