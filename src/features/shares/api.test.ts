import assert from 'node:assert/strict'
import { describe, it, type TestContext } from 'node:test'
import { type TestDatabase, testDatabases } from '../../db/testing.ts'
import { testApi } from '../testing.ts'
import { exchangeCode, findOffer, hasAccepted } from './rules.ts'

/** Alice with a server `gpu` and bob, who knows nothing of it yet; `owner` may share and name everybody. */
async function site(t: TestContext, kind?: TestDatabase) {
  const api = await testApi(kind && { open: kind.open })
  t.after(() => api.close())
  const alice = await api.user('alice')
  const bob = await api.user('bob', { groups: ['staff'] })
  await api.hub.addServer(alice.id, 'gpu')
  const owner = await api.service('sharer', ['shares', 'read:users:name', 'read:groups:name'])
  return { api, alice, bob, asBob: api.as(bob), asOwner: api.as(owner) }
}

for (const kind of testDatabases()) {
  describe(`sharing API on ${kind.name}`, () => {
    it('shares a server with a user, who may enter it until it is revoked', async t => {
      const { asOwner, asBob } = await site(t, kind)
      const scope = 'access:servers!server=alice/gpu'

      const shared = await asOwner('POST', '/hub/api/shares/alice/gpu', { user: 'bob' })
      const during = await asBob('GET', '/hub/api/user')
      const revoked = await asOwner('PATCH', '/hub/api/shares/alice/gpu', { user: 'bob' })
      const after = await asBob('GET', '/hub/api/user')

      assert.equal(shared.status, 200)
      const { created_at, server, ...rest } = shared.json
      assert.match(created_at, /^\d{4}-\d\d-\d\dT[\d:]{8}(\.\d{6})?Z$/)
      assert.partialDeepStrictEqual(server, { user: { name: 'alice' }, name: 'gpu' })
      assert.deepEqual(rest, { scopes: [scope], user: { name: 'bob' }, group: null, kind: 'user' })
      assert.ok(during.json.scopes.includes(scope))
      assert.deepEqual([revoked.status, revoked.json], [200, {}])
      assert.ok(!after.json.scopes.includes(scope))
    })

    it('shares with a group: its members may enter, and see it among what is shared with them', async t => {
      const { api, asOwner, asBob } = await site(t, kind)

      const shared = await asOwner('POST', '/hub/api/shares/alice/gpu', { group: 'staff' })
      const mine = await asBob('GET', '/hub/api/users/bob/shared')
      const theGroup = await asOwner('GET', '/hub/api/groups/staff/shared')
      const me = await asBob('GET', '/hub/api/user')
      const single = await asOwner('GET', '/hub/api/groups/staff/shared/alice/gpu')
      const gone = await asOwner('DELETE', '/hub/api/groups/staff/shared/alice/gpu')

      assert.deepEqual([shared.json.kind, shared.json.group], ['group', { name: 'staff' }])
      assert.deepEqual(mine.json.items, [shared.json])
      assert.deepEqual(theGroup.json.items, [shared.json])
      assert.deepEqual(single.json, shared.json)
      assert.ok(me.json.scopes.includes('access:servers!server=alice/gpu'))
      assert.equal(gone.status, 204)
      assert.equal((await api.db.selectFrom('shares').selectAll().execute()).length, 0)
    })

    it('keeps one share, with all that was granted at once, and takes away what is named', async t => {
      const { api } = await site(t, kind)
      const asSharer = api.as(await api.service('all', ['shares', 'admin:servers', 'read:users:name']))
      const scopes = ['access:servers', 'read:servers', 'delete:servers', 'start:servers']
      const path = '/hub/api/shares/alice/gpu'

      await Promise.all(scopes.map(scope => asSharer('POST', path, { user: 'bob', scopes: [scope] })))
      const shares = (await asSharer('GET', path)).json.items
      const left = await asSharer('PATCH', path, { user: 'bob', scopes: ['read:servers', 'delete:servers'] })

      assert.equal(shares.length, 1)
      assert.deepEqual(shares[0].scopes, scopes.map(scope => `${scope}!server=alice/gpu`).sort())
      assert.deepEqual(left.json.scopes, ['access:servers!server=alice/gpu', 'start:servers!server=alice/gpu'])
    })

    it('makes codes that are kept hashed, count their exchanges and run out', async t => {
      const { api, bob, asOwner } = await site(t, kind)
      const rules = api.hub
      const user = { id: bob.id, name: 'bob' }

      const made = await asOwner('POST', '/hub/api/share-codes/alice/gpu', { expires_in: 3600 })
      const { code, accept_url, ...shown } = made.json
      const stored = await api.db.selectFrom('share_codes').selectAll().executeTakeFirstOrThrow()
      const offer = (await findOffer(rules, code))!
      const before = await hasAccepted(rules, offer, bob.id)
      await exchangeCode(rules, code, user)
      const share = await exchangeCode(rules, code, user)
      const listed = await asOwner('GET', '/hub/api/share-codes/alice')

      assert.match(code, /^[\w-]{43}$/)
      assert.equal(accept_url, `/hub/accept-share?code=${code}`)
      assert.match(shown.id, /^sc_\d+$/)
      assert.ok(!JSON.stringify(stored).includes(code) && stored.prefix === code.slice(0, 4))
      assert.equal(before, false)
      assert.equal(await hasAccepted(rules, offer, bob.id), true)
      assert.deepEqual(share.scopes, ['access:servers!server=alice/gpu'])
      assert.equal(listed.json.items[0].exchange_count, 2)
      assert.ok(listed.json.items[0].last_exchanged_at && !('code' in listed.json.items[0]))
      assert.ok(!api.hub.logged().includes(code), 'the log does not know the code')

      api.hub.clock.advance(3_601_000)
      assert.equal(await findOffer(rules, code), undefined)
      await assert.rejects(exchangeCode(rules, code, user), { code: 'share_code_unknown', status: 400 })
      assert.deepEqual((await asOwner('GET', '/hub/api/share-codes/alice')).json.items, [])
      await api.hub.access.purgeExpired()
      assert.equal((await api.db.selectFrom('share_codes').selectAll().execute()).length, 0)
      assert.equal((await api.db.selectFrom('shares').selectAll().execute()).length, 1, 'what was accepted stays')
    })

    it('revokes codes one by one, by themselves or by their id, and all together', async t => {
      const { api, asOwner } = await site(t, kind)
      const path = '/hub/api/share-codes/alice/gpu'
      const codes = [await asOwner('POST', path), await asOwner('POST', path), await asOwner('POST', path)]
      const count = async () => (await asOwner('GET', path)).json.items.length

      assert.equal((await asOwner('DELETE', `${path}?code=${codes[0]!.json.code}`)).status, 204)
      assert.equal(await count(), 2)
      assert.equal((await asOwner('DELETE', `${path}?id=${codes[1]!.json.id}`)).status, 204)
      assert.equal(await count(), 1)
      const unknown = await asOwner('DELETE', `${path}?id=${codes[1]!.json.id}`)
      assert.deepEqual([unknown.status, unknown.json.code], [404, 'no_such_share_code'])
      assert.equal((await asOwner('DELETE', path)).status, 204)
      assert.equal(await count(), 0)
      assert.equal((await api.db.selectFrom('shares').selectAll().execute()).length, 0)
    })

    it('lists by pages in a constant number of queries', async t => {
      const { api, asOwner } = await site(t, kind)
      for (let n = 0; n < 12; n++) {
        await api.user(`guest${n}`)
        await asOwner('POST', '/hub/api/shares/alice/gpu', { user: `guest${n}` })
      }
      await asOwner('GET', '/hub/api/shares/alice') // who asks is known from now on

      api.countQueries()
      const one = await asOwner('GET', '/hub/api/shares/alice?limit=1')
      const queriesOfOne = api.countQueries()
      const ten = await asOwner('GET', '/hub/api/shares/alice?limit=10&offset=1')

      assert.equal(api.countQueries(), queriesOfOne)
      assert.deepEqual([one.json.items.length, one.json._pagination.total], [1, 12])
      assert.deepEqual([ten.json.items.length, ten.json._pagination.next.offset], [10, 11])
      assert.equal(ten.json.items[0].user.name, 'guest1')
    })
  })
}

describe('sharing API', () => {
  it('lets an owner share when the role says so, but nobody by name whom they may not name', async t => {
    const { api, alice } = await site(t)
    const asAlice = api.as(alice)
    const grant = () => asAlice('POST', '/hub/api/shares/alice/gpu', { user: 'bob' })

    const without = await grant()
    await api.db.updateTable('roles').set({ scopes: '["self","shares!user"]' }).where('name', '=', 'user').execute()
    api.hub.access.changed()
    const nameless = await grant()
    const invited = await asAlice('POST', '/hub/api/share-codes/alice/gpu', {})

    assert.equal(without.status, 403)
    assert.deepEqual([nameless.status, nameless.json.code], [403, 'share_not_permitted'])
    assert.equal(invited.status, 200)
  })

  it('does not let anybody hand on what they may not do themselves', async t => {
    const { api } = await site(t)
    const asSharer = api.as(await api.service('weak', ['shares', 'read:users:name']))

    const refused = await asSharer('POST', '/hub/api/shares/alice/gpu', { user: 'bob', scopes: ['delete:servers'] })
    const code = await asSharer('POST', '/hub/api/share-codes/alice/gpu', { scopes: ['delete:servers'] })

    assert.deepEqual([refused.status, refused.json.code], [403, 'share_not_permitted'])
    assert.deepEqual([code.status, code.json.code], [403, 'share_not_permitted'])
  })

  it('makes the default server of somebody who never had one', async t => {
    const { asOwner } = await site(t)

    const shared = await asOwner('POST', '/hub/api/shares/bob/', { user: 'alice' })

    assert.equal(shared.status, 200)
    assert.deepEqual(shared.json.scopes, ['access:servers!server=bob/'])
  })

  it('lets receivers give back what they got, and nobody else', async t => {
    const { api, asOwner, asBob } = await site(t)
    await asOwner('POST', '/hub/api/shares/alice/gpu', { user: 'bob' })
    const asCarol = api.as(await api.user('carol'))

    assert.equal((await asCarol('DELETE', '/hub/api/users/bob/shared/alice/gpu')).status, 404)
    assert.equal((await asBob('GET', '/hub/api/users/bob/shared/alice/gpu')).status, 200)
    assert.equal((await asBob('DELETE', '/hub/api/users/bob/shared/alice/gpu')).status, 204)
    assert.equal((await asBob('DELETE', '/hub/api/users/bob/shared/alice/gpu')).json.code, 'no_such_share')
  })

  it('does not let an owner accept their own invitation', async t => {
    const { api, alice, asOwner } = await site(t)
    const { json } = await asOwner('POST', '/hub/api/share-codes/alice/gpu')

    await assert.rejects(exchangeCode(api.hub, json.code, { id: alice.id, name: 'alice' }), { code: 'share_code_own' })
    assert.equal((await asOwner('GET', '/hub/api/share-codes/alice')).json.items[0].exchange_count, 0)
  })
})
