import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { testDatabases } from '../../db/testing.ts'
import { testApi } from '../testing.ts'

const ADMIN = ['admin:groups', 'read:roles:groups']

for (const kind of testDatabases()) {
  describe(`groups API on ${kind.name}`, () => {
    it('makes groups with members, changes members and properties, and deletes them', async t => {
      const api = await testApi({ open: kind.open })
      t.after(() => api.close())
      const asAdmin = api.as(await api.service('tester', ADMIN))
      await api.user('alice')
      await api.user('bob')

      const made = await asAdmin('POST', '/hub/api/groups/staff', { users: ['ALICE'] })
      const joined = await asAdmin('POST', '/hub/api/groups/staff/users', { users: ['bob', 'alice', 'bob'] })
      const left = await asAdmin('DELETE', '/hub/api/groups/staff/users', { users: ['alice'] })
      const described = await asAdmin('PUT', '/hub/api/groups/staff/properties', { room: 7 })

      assert.equal(made.status, 201)
      assert.deepEqual(made.json, { kind: 'group', name: 'staff', roles: [], users: ['alice'], properties: {} })
      assert.deepEqual(joined.json.users, ['alice', 'bob'])
      assert.deepEqual(left.json.users, ['bob'])
      assert.deepEqual(described.json.properties, { room: 7 })
      assert.equal((await asAdmin('DELETE', '/hub/api/groups/staff')).status, 204)
      const gone = await asAdmin('GET', '/hub/api/groups/staff')
      assert.deepEqual([gone.status, gone.json.message], [404, 'No such group: staff'])
    })

    it('counts members where a list need not name them, for those who may see them', async t => {
      const api = await testApi({ open: kind.open })
      t.after(() => api.close())
      const asAdmin = api.as(await api.service('tester', ADMIN))
      const asNamer = api.as(await api.service('namer', ['list:groups']))
      await api.user('alice', { groups: ['staff'] })
      await api.user('bob', { groups: ['staff'] })
      await asAdmin('POST', '/hub/api/groups/empty', {})

      const { json } = await asAdmin('GET', '/hub/api/groups?users=count')

      assert.deepEqual(json, [
        { kind: 'group', name: 'staff', roles: [], properties: {}, user_count: 2 },
        { kind: 'group', name: 'empty', roles: [], properties: {}, user_count: 0 },
      ])
      assert.deepEqual((await asNamer('GET', '/hub/api/groups?users=count')).json, [
        { kind: 'group', name: 'staff' },
        { kind: 'group', name: 'empty' },
      ])
    })

    it('lists pages of what the caller may list, in a constant number of queries', async t => {
      const api = await testApi({ open: kind.open })
      t.after(() => api.close())
      const asAdmin = api.as(await api.service('tester', ADMIN))
      const names = Array.from({ length: 60 }, (_, n) => `g${n}`)
      await asAdmin('POST', '/hub/api/groups', { groups: names })
      const asReader = api.as(await api.service('reader', ['list:groups!group=g7']))
      const pages = { accept: 'application/jupyterhub-pagination+json' }
      await asAdmin('GET', '/hub/api/groups')
      api.countQueries()

      const page = await asAdmin('GET', '/hub/api/groups', undefined, pages)

      assert.ok(api.countQueries() <= 4)
      assert.deepEqual([page.json.items.length, page.json._pagination.total], [50, 60])
      const own = await asReader('GET', '/hub/api/groups', undefined, pages)
      assert.deepEqual(own.json.items, [{ kind: 'group', name: 'g7' }])
      assert.equal(own.json._pagination.total, 1)
    })
  })
}

describe('groups API', () => {
  it('makes all groups of a request or none', async t => {
    const api = await testApi()
    t.after(() => api.close())
    const asAdmin = api.as(await api.service('tester', ADMIN))
    await asAdmin('POST', '/hub/api/groups/staff')

    const taken = await asAdmin('POST', '/hub/api/groups', { groups: ['new', 'staff'] })
    const stranger = await asAdmin('POST', '/hub/api/groups', { groups: ['new'], users: ['nobody'] })

    assert.deepEqual([taken.status, taken.json.message], [409, 'Group staff already exists'])
    assert.deepEqual([stranger.status, stranger.json.message], [400, 'No such user: nobody'])
    assert.equal((await asAdmin('GET', '/hub/api/groups/new')).status, 404)
  })

  it('refuses bodies that say nothing and names that no address can carry', async t => {
    const api = await testApi()
    t.after(() => api.close())
    const asAdmin = api.as(await api.service('tester', ADMIN))
    await asAdmin('POST', '/hub/api/groups/staff')

    for (const [method, url, body, message] of [
      ['POST', '/hub/api/groups', {}, 'Must specify at least one group to create'],
      ['POST', '/hub/api/groups/staff/users', {}, 'Must specify users to add'],
      ['DELETE', '/hub/api/groups/staff/users', {}, 'Must specify users to delete'],
      ['PUT', '/hub/api/groups/staff/properties', [], 'Must specify properties'],
      ['POST', '/hub/api/groups', { groups: ['..'] }, 'Invalid group name: ..'],
      ['POST', '/hub/api/groups', { groups: ['x'.repeat(256)] }, `Invalid group name: ${'x'.repeat(100)}`],
    ] as const) {
      const answer = await asAdmin(method, url, body)
      assert.deepEqual([answer.status, answer.json.message], [400, message])
    }
  })
})
