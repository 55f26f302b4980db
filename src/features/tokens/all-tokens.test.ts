import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { testDatabases } from '../../db/testing.ts'
import { testApi } from '../testing.ts'

const PATH = '/hub/api/orrery/tokens'

for (const kind of testDatabases()) {
  describe(`all tokens on ${kind.name}`, () => {
    it('are listed page by page with their owners, the newest first, without those that ran out', async t => {
      const api = await testApi({ open: kind.open })
      t.after(() => api.close())
      const boss = await api.user('boss', { admin: true })
      await api.service('robot', ['list:users'])
      const alice = await api.user('alice', { groups: ['staff'] })
      const asAlice = api.as(alice)
      await asAlice('POST', '/hub/api/users/alice/tokens', { note: 'ci', expires_in: 3600 })
      await asAlice('POST', '/hub/api/users/alice/tokens', { note: 'short', expires_in: 60 })
      api.hub.clock.advance(120_000)
      const as = (who: { token: string }) => async (query: string) => {
        const { status, json } = await api.as(who)('GET', `${PATH}${query}`)
        const items = json.items ?? []
        const names = items.map((token: Record<string, string>) => `${token.user ?? token.service}: ${token.note}`)
        return { status, names, total: json._pagination?.total, first: items[0] }
      }
      const asBoss = as(boss)

      const all = await asBoss('?limit=2')
      const ofAlice = await asBoss('?name_filter=ALI')
      const ending = await asBoss('?sort=expires_at&limit=1')
      const reader = await api.service('reader', ['read:tokens!group=staff', 'read:tokens!service=robot'])

      assert.equal(all.names.length, 2)
      assert.equal(all.names[0], 'alice: ci')
      assert.equal(all.total, 4)
      assert.partialDeepStrictEqual(all.first, { user: 'alice', service: null, kind: 'api_token', note: 'ci' })
      assert.ok(!('token' in all.first) && !('hashed' in all.first))
      assert.equal(ofAlice.total, 2)
      assert.deepEqual(ending.names, ['alice: ci'])
      assert.equal((await asBoss('?kind=application')).total, 0)
      assert.equal((await asBoss('?sort=note')).status, 400)
      const owners = (await as(reader)('')).names.map((name: string) => name.split(':')[0])
      assert.deepEqual([...new Set(owners)].sort(), ['alice', 'robot'])
      assert.deepEqual((await as(alice)('')).names.length, 2, 'everybody may read their own')
    })
  })
}
