import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { testDatabases } from '../../db/testing.ts'
import { testApi } from '../testing.ts'

for (const kind of testDatabases()) {
  describe(`tokens API on ${kind.name}`, () => {
    it('issues a token that works, shows it without its secret, and revokes it', async t => {
      const api = await testApi({ open: kind.open })
      t.after(() => api.close())
      const alice = await api.user('alice')
      const asAlice = api.as(alice)

      const made = await asAlice('POST', '/hub/api/users/alice/tokens', {
        note: 'ci',
        expires_in: 3600,
        scopes: ['read:users:name!user'],
      })
      const asToken = api.as({ token: made.json.token })
      const listed = await asAlice('GET', '/hub/api/users/alice/tokens')
      const shown = await asAlice('GET', `/hub/api/users/alice/tokens/${made.json.id}`)

      assert.equal(made.status, 201)
      assert.partialDeepStrictEqual(made.json, {
        user: 'alice',
        kind: 'api_token',
        roles: [],
        note: 'ci',
        last_activity: null,
        session_id: null,
        oauth_client: 'JupyterHub',
      })
      assert.match(made.json.id, /^a\d+$/)
      assert.match(made.json.created, /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d{6})?Z$/)
      assert.deepEqual(made.json.scopes, ['read:users:groups!user=alice', 'read:users:name!user=alice'])
      assert.equal((await asToken('GET', '/hub/api/user')).json.name, 'alice')
      assert.deepEqual((await asToken('GET', '/hub/api/user')).json.token_id, made.json.id)
      assert.ok(listed.json.api_tokens.some((token: { id: string }) => token.id === made.json.id))
      assert.ok(!('token' in shown.json))
      assert.equal((await asAlice('DELETE', `/hub/api/users/alice/tokens/${made.json.id}`)).status, 204)
      assert.equal((await asToken('GET', '/hub/api/user')).status, 403)
      const gone = await asAlice('GET', `/hub/api/users/alice/tokens/${made.json.id}`)
      assert.deepEqual([gone.status, gone.json.message], [404, `No such token ${made.json.id} for user alice`])
    })
  })
}

describe('tokens API', () => {
  it('lists many tokens of OAuth clients in a constant number of queries, with what each permits', async t => {
    const api = await testApi()
    t.after(() => api.close())
    const alice = await api.user('alice')
    const asAlice = api.as(alice)
    for (let n = 0; n < 20; n++) {
      const clientId = `service-c${n}`
      await api.db
        .insertInto('oauth_clients')
        .values({
          identifier: clientId,
          description: `client ${n}`,
          secret: '',
          redirect_uri: '/',
          allowed_scopes: '[]',
        })
        .execute()
      await api.hub.addService(`c${n}`, { oauthClientId: clientId })
      await api.hub.access.issueToken({
        user: alice,
        clientId,
        scopes: ['access:services!service'],
        skipScopeCheck: true,
      })
    }
    await asAlice('GET', '/hub/api/user')
    api.countQueries()

    const listed = await asAlice('GET', '/hub/api/users/alice/tokens')

    assert.equal(listed.json.api_tokens.length, 21)
    const queries = api.countQueries()
    assert.ok(queries <= 12, `${queries} queries`)
    for (const token of listed.json.api_tokens) {
      const used = await api.hub.access.scopesOfToken(Number(token.id.slice(1)))
      assert.deepEqual(new Set(token.scopes.map((scope: string) => scope.split('!')[0])), new Set(used!.keys()))
    }
    const ofClient = listed.json.api_tokens.find((token: { oauth_client: string }) => token.oauth_client === 'client 3')
    await asAlice('DELETE', `/hub/api/users/alice/tokens/${ofClient.id}`)
    assert.equal((await asAlice('GET', '/hub/api/users/alice/tokens')).json.api_tokens.length, 20)
  })

  it('refuses what the owner does not hold, what lies in the past and what is no wish', async t => {
    const api = await testApi({ maxLifetimeSeconds: 100 })
    t.after(() => api.close())
    const asAlice = api.as(await api.user('alice'))
    const refusal = async (body: unknown) => {
      const answer = await asAlice('POST', '/hub/api/users/alice/tokens', body)
      return [answer.status, answer.json.code]
    }

    assert.deepEqual(await refusal({ scopes: ['admin:users'] }), [400, 'scope_not_held'])
    assert.deepEqual(await refusal({ scopes: ['nonsense'] }), [400, 'scope_unknown'])
    assert.deepEqual(await refusal({ roles: ['admin'] }), [400, 'scope_not_held'])
    assert.deepEqual(await refusal({ roles: ['nonsense'] }), [400, 'no_such_role'])
    assert.deepEqual(await refusal({ roles: ['user'], scopes: ['self'] }), [400, 'scopes_and_roles'])
    assert.deepEqual(await refusal({ expires_in: 0 }), [400, 'token_lifetime_invalid'])
    assert.deepEqual(await refusal({ expires_in: 101 }), [400, 'token_lifetime_invalid'])
    assert.deepEqual(await refusal({ expires_in: '1' }), [400, 'invalid_body'])
    assert.deepEqual(await refusal({ scopes: 'self' }), [400, 'invalid_body'])
    assert.deepEqual(await refusal([1]), [400, 'invalid_body'])
    const limited = await asAlice('POST', '/hub/api/users/alice/tokens', '')
    assert.equal(limited.status, 201)
    assert.ok(limited.json.expires_at)
  })

  it('serves who may act for the user, and who proves to be the user in the body', async t => {
    const api = await testApi()
    t.after(() => api.close())
    const alice = await api.user('alice')
    await api.user('bob')
    const asService = api.as(await api.service('tester', ['tokens!user=alice']))

    const made = await asService('POST', '/hub/api/users/alice/tokens')
    const missing = await asService('POST', '/hub/api/users/nobody/tokens')
    const outside = await asService('POST', '/hub/api/users/bob/tokens')
    const listMissing = await asService('GET', '/hub/api/users/nobody/tokens')
    const byBody = await api.as(undefined)('POST', '/hub/api/users/alice/tokens', { auth: { username: 'alice' } })
    const byNobody = await api.as(undefined)('POST', '/hub/api/users/alice/tokens', { auth: { username: 'mallory' } })
    const forOther = await api.as(undefined)('POST', '/hub/api/users/bob/tokens', { auth: { username: 'alice' } })
    const foreign = await api.as(alice)('GET', `/hub/api/users/bob/tokens/${made.json.id}`)

    assert.deepEqual([made.status, made.json.note], [201, 'Requested via api by service tester'])
    assert.deepEqual([missing.status, outside.status, listMissing.status], [403, 403, 404])
    assert.equal(missing.json.message, 'Service nobody not found or no permissions to generate tokens')
    assert.deepEqual([byBody.status, byBody.json.note], [201, 'Requested via api'])
    assert.equal(byNobody.status, 403)
    assert.equal(forOther.status, 403)
    assert.equal(foreign.status, 404)
  })
})
