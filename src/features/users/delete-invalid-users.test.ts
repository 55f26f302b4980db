import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { HubError } from '../../core/errors.ts'
import { testApi } from '../testing.ts'
import { deleteInvalidUsers } from './delete-invalid-users.ts'
import type { UsersDeps } from './deps.ts'
import { createUserNames } from './user-names.ts'

describe('users that are not valid any more', () => {
  it('are deleted with their servers; who cannot be checked, or is still stopping, stays', async t => {
    const asked: string[] = []
    const api = await testApi()
    t.after(() => api.close())
    for (const name of ['ada', 'gone', 'unknown', 'slow', 'bad name!']) await api.user(name)
    const deps = {
      ...api.hub,
      baseUrl: '/',
      names: createUserNames({ pattern: /^[a-z]+$/ }),
      serverModel: () => ({}),
      async stopServers(user: { name: string }) {
        asked.push(user.name)
        return user.name === 'slow' ? 'stopping' : 'stopped'
      },
      async userAdded({ name }: { name: string }) {
        if (name === 'gone' || name === 'slow') throw new HubError('linux_user_missing', { status: 400, message: 'x' })
        if (name === 'unknown') throw new HubError('launcher_unreachable', { status: 503, message: 'x' })
      },
    } as unknown as UsersDeps // the rest is not asked for

    assert.deepEqual(await deleteInvalidUsers(deps), ['gone', 'bad name!'])

    const left = await api.db.selectFrom('users').select('name').orderBy('id').execute()
    assert.deepEqual(
      left.map(({ name }) => name),
      ['ada', 'unknown', 'slow'],
    )
    assert.deepEqual(asked, ['gone', 'slow', 'bad name!'])
  })
})
