import assert from 'node:assert/strict'
import { it } from 'node:test'
import { testApi } from '../testing.ts'

it('lists every role and who holds it, for those who may read all roles', async t => {
  const api = await testApi()
  t.after(() => api.close())
  const admin = await api.user('boss', { admin: true })
  const alice = await api.user('alice')
  await api.service('reader', ['list:users', 'read:roles:users'])

  const { status, json } = await api.as(admin)('GET', '/hub/api/orrery/roles')

  assert.equal(status, 200)
  const role = (name: string) => json.find((each: { name: string }) => each.name === name)
  assert.partialDeepStrictEqual(role('user'), { kind: 'role', scopes: ['self'], users: 2, managed_by_auth: false })
  assert.partialDeepStrictEqual(role('admin'), { users: 1, groups: [], services: [] })
  assert.deepEqual(role('role-reader').services, ['reader'])
  assert.deepEqual(role('role-reader').scopes, ['list:users', 'read:roles:users'])
  assert.equal((await api.as(alice)('GET', '/hub/api/orrery/roles')).status, 403)
  assert.equal((await api.as(undefined)('GET', '/hub/api/orrery/roles')).status, 403)
})
