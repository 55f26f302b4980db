import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { HubError } from '../../core/errors.ts'
import { testDatabases } from '../../db/testing.ts'
import { testApi } from '../testing.ts'

const ADMIN = ['admin:users', 'admin:servers', 'read:roles']
const PAGES = { accept: 'application/jupyterhub-pagination+json' }

for (const kind of testDatabases()) {
  describe(`users API on ${kind.name}`, () => {
    it('lists users page by page, with the address of the next page', async t => {
      const api = await testApi({ open: kind.open })
      t.after(() => api.close())
      const asAdmin = api.as(await api.service('tester', ADMIN))
      for (const name of ['carol', 'alice', 'bob']) await api.user(name)

      const bare = await asAdmin('GET', '/hub/api/users?limit=2')
      const page = await asAdmin('GET', '/hub/api/users?limit=2&include_stopped_servers', undefined, PAGES)
      const last = await asAdmin('GET', '/hub/api/users?limit=2&offset=2', undefined, PAGES)
      const wrong = await asAdmin('GET', '/hub/api/users?limit=x')

      assert.deepEqual(namesOf(bare.json), ['carol', 'alice'])
      assert.deepEqual(namesOf(page.json.items), ['carol', 'alice'])
      assert.deepEqual(page.json._pagination, {
        offset: 0,
        limit: 2,
        total: 3,
        next: {
          offset: 2,
          limit: 2,
          url: 'http://localhost:80/hub/api/users?limit=2&include_stopped_servers=&offset=2'.replace(':80', ''),
        },
      })
      assert.deepEqual([namesOf(last.json.items), last.json._pagination.next], [['bob'], null])
      assert.deepEqual(
        [wrong.status, wrong.json.message],
        [400, 'Invalid argument type, offset and limit must be integers'],
      )
    })

    it('filters by name and state, and sorts those never seen first', async t => {
      const api = await testApi({ open: kind.open })
      t.after(() => api.close())
      const asAdmin = api.as(await api.service('tester', ADMIN))
      const alice = await api.user('alice')
      const bob = await api.user('bob_1')
      await api.user('Bobby')
      await giveServer(api.db, alice.id, 'ready')
      await giveServer(api.db, bob.id, 'spawning')
      await api.db
        .updateTable('users')
        .set({ last_activity: '2026-01-01 00:00:00.000000' })
        .where('name', '=', 'alice')
        .execute()
      const list = async (query: string) => namesOf((await asAdmin('GET', `/hub/api/users?${query}`)).json)

      assert.deepEqual(await list('name_filter=BOB'), ['bob_1', 'Bobby'])
      assert.deepEqual(await list('name_filter=_'), ['bob_1'])
      assert.deepEqual(await list('state=active'), ['alice', 'bob_1'])
      assert.deepEqual(await list('state=ready'), ['alice'])
      assert.deepEqual(await list('state=inactive'), ['Bobby'])
      assert.deepEqual(await list('sort=-last_activity'), ['alice', 'Bobby', 'bob_1'])
      assert.deepEqual(await list('sort=last_activity'), ['bob_1', 'Bobby', 'alice'])
      assert.equal((await asAdmin('GET', '/hub/api/users?state=gone')).status, 400)
      const wrongSort = await asAdmin('GET', '/hub/api/users?sort=-cookie_id')
      assert.deepEqual(
        [wrongSort.status, wrongSort.json.message],
        [400, "sort must be 'id', 'name', or 'last_activity', not '-cookie_id'"],
      )
    })

    it('filters by group and by administrators, which JupyterHub cannot', async t => {
      const api = await testApi({ open: kind.open })
      t.after(() => api.close())
      const admin = await api.user('zoe', { admin: true, groups: ['staff'] })
      await api.user('bob', { groups: ['staff'] })
      await api.user('ada')
      const names = async (query: string) => {
        const { json } = await api.as(admin)('GET', `/hub/api/users?sort=name&${query}`, undefined, PAGES)
        return [json.items.map((user: { name: string }) => user.name), json._pagination.total]
      }

      assert.deepEqual(await names('group=staff'), [['bob', 'zoe'], 2])
      assert.deepEqual(await names('admin=true'), [['zoe'], 1])
      assert.deepEqual(await names('admin=false&group=staff'), [['bob'], 1])
      assert.deepEqual(await names('group=nobody'), [[], 0])
      assert.equal((await api.as(admin)('GET', '/hub/api/users?admin=maybe')).status, 400)
    })

    it('tells servers and what is pending', async t => {
      const api = await testApi({ open: kind.open })
      t.after(() => api.close())
      const asAdmin = api.as(await api.service('tester', ADMIN))
      await giveServer(api.db, (await api.user('alice')).id, 'ready')
      await giveServer(api.db, (await api.user('bob')).id, 'spawning')
      await giveServer(api.db, (await api.user('carol')).id, 'stopped')

      const [alice, bob, carol] = (await asAdmin('GET', '/hub/api/users')).json
      const all = (await asAdmin('GET', '/hub/api/users?include_stopped_servers')).json

      assert.partialDeepStrictEqual(alice, {
        server: '/user/alice/',
        pending: null,
        servers: { '': { name: '', state: {} } },
      })
      assert.partialDeepStrictEqual(bob, { server: null, pending: 'spawn', servers: { '': { name: '' } } })
      assert.partialDeepStrictEqual(carol, { server: null, pending: null, servers: {} })
      assert.deepEqual(Object.keys(all[2].servers), [''])
    })
  })
}

describe('users API', () => {
  it('reads a page of 50 of 10 000 users with as few queries as a page of 5', async t => {
    const api = await testApi()
    t.after(() => api.close())
    const asAdmin = api.as(await api.service('tester', ADMIN))
    await api.user('first', { groups: ['staff'] })
    await asAdmin('GET', '/hub/api/users?limit=5', undefined, PAGES)
    api.countQueries()
    await asAdmin('GET', '/hub/api/users?limit=5', undefined, PAGES)
    const few = api.countQueries()
    const rows = Array.from({ length: 10_000 }, (_, n) => ({ name: `user${n}`, admin: false, cookie_id: `cookie${n}` }))
    for (let at = 0; at < rows.length; at += 1000) {
      await api.db
        .insertInto('users')
        .values(rows.slice(at, at + 1000) as never)
        .execute()
    }

    const page = await asAdmin('GET', '/hub/api/users?limit=50', undefined, PAGES)

    assert.equal(page.json.items.length, 50)
    assert.equal(page.json._pagination.total, 10_001)
    assert.equal(api.countQueries(), few)
    assert.ok(few <= 5, `${few} queries`)
  })

  it('shows each caller what their scopes reach, and lists nobody else', async t => {
    const api = await testApi()
    t.after(() => api.close())
    await api.user('alice', { groups: ['staff'] })
    await api.user('bob', { groups: ['guests'] })
    const asStaff = api.as(
      await api.service('staff-reader', ['list:users!group=staff', 'read:users:groups!group=staff']),
    )
    const asServer = api.as(await api.service('odd', ['list:users!server=alice/']))
    const asNobody = api.as(undefined)

    const list = await asStaff('GET', '/hub/api/users', undefined, PAGES)

    assert.deepEqual(list.json.items, [
      { kind: 'user', name: 'alice', admin: false, groups: ['staff'], user_info: null },
    ])
    assert.equal(list.json._pagination.total, 1)
    assert.equal((await asStaff('GET', '/hub/api/users/alice')).status, 200)
    const outside = await asStaff('GET', '/hub/api/users/bob')
    const missing = await asStaff('GET', '/hub/api/users/nobody')
    assert.deepEqual([outside.status, outside.json], [404, missing.json])
    assert.equal((await asServer('GET', '/hub/api/users')).status, 403)
    assert.equal((await asStaff('GET', '/hub/api/users?group=staff')).json.length, 1)
    assert.equal((await asStaff('GET', '/hub/api/users?group=guests')).status, 403, 'a filter must not tell members')
    assert.equal((await asNobody('GET', '/hub/api/users')).json.message, 'Missing or invalid credentials.')
    assert.equal((await asNobody('GET', '/hub/api/users')).status, 403)
  })

  it('creates users in lower case, keeps those that exist, and refuses wrong names as a whole', async t => {
    const api = await testApi()
    t.after(() => api.close())
    const admin = await api.user('boss', { admin: true })
    const asAdmin = api.as(admin)

    const created = await asAdmin('POST', '/hub/api/users', { usernames: ['Alice', 'boss', 'alice'], admin: true })
    const again = await asAdmin('POST', '/hub/api/users', { usernames: ['alice'] })
    const wrong = await asAdmin('POST', '/hub/api/users', { usernames: ['new', 'a/b', '..'] })

    assert.equal(created.status, 201)
    assert.deepEqual(namesOf(created.json), ['alice'])
    assert.deepEqual(created.json[0].roles, ['user', 'admin'])
    assert.deepEqual([again.status, again.json.message], [409, 'All 1 users already exist'])
    assert.deepEqual([wrong.status, wrong.json.message], [400, 'Invalid usernames: a/b, ..'])
    assert.equal((await asAdmin('GET', '/hub/api/users/new')).status, 404)
    for (const bad of [undefined, {}, [], { usernames: [] }]) {
      assert.equal(
        (await asAdmin('POST', '/hub/api/users', bad)).json.message,
        'Must specify at least one user to create',
      )
    }
    for (const bad of [
      { usernames: 'abc' },
      { usernames: [1] },
      { usernames: ['x'], admin: 'yes' },
      { usernames: ['x'], y: 1 },
    ]) {
      assert.equal((await asAdmin('POST', '/hub/api/users', bad)).status, 400)
    }
  })

  it('lets nobody but administrators make or change administrators', async t => {
    const api = await testApi()
    t.after(() => api.close())
    await api.user('boss', { admin: true })
    await api.user('alice')
    const asService = api.as(await api.service('tester', ADMIN))

    for (const [method, url, body] of [
      ['POST', '/hub/api/users', { usernames: ['x'], admin: true }],
      ['POST', '/hub/api/users/x', { admin: true }],
      ['PATCH', '/hub/api/users/alice', { admin: true }],
      ['PATCH', '/hub/api/users/boss', { name: 'chief' }],
    ] as const) {
      assert.equal((await asService(method, url, body)).status, 403, url)
    }
    assert.equal((await asService('POST', '/hub/api/users/x')).status, 201)
  })

  it('removes a new user again when the authenticator refuses it', async t => {
    const api = await testApi({
      users: {
        async userAdded() {
          throw new HubError('no_account', { status: 400, message: 'There is no such Linux account.' })
        },
      },
    })
    t.after(() => api.close())
    const asAdmin = api.as(await api.service('tester', ADMIN))

    const refused = await asAdmin('POST', '/hub/api/users/alice')

    assert.deepEqual(
      [refused.status, refused.json.message],
      [400, 'Failed to create user: alice: There is no such Linux account.'],
    )
    assert.equal((await asAdmin('GET', '/hub/api/users/alice')).status, 404)
  })

  it('renames a user whose servers are stopped', async t => {
    const api = await testApi()
    t.after(() => api.close())
    const asAdmin = api.as(await api.user('boss', { admin: true }))
    const alice = await api.user('alice')
    await giveServer(api.db, alice.id, 'ready')

    const running = await asAdmin('PATCH', '/hub/api/users/alice', { name: 'Al' })
    await api.db.updateTable('orrery_runs').set({ phase: 'stopped' }).execute()
    await api.db.updateTable('spawners').set({ server_id: null }).execute()
    const renamed = await asAdmin('PATCH', '/hub/api/users/alice', { name: 'Al', admin: true })
    const taken = await asAdmin('PATCH', '/hub/api/users/al', { name: 'boss' })

    assert.deepEqual([running.status, running.json.code], [400, 'server_active'])
    assert.partialDeepStrictEqual(renamed.json, { name: 'al', admin: true, auth_state: null })
    assert.deepEqual([taken.status, taken.json.message], [400, 'User boss already exists, username must be unique'])
    assert.equal((await api.as(alice)('GET', '/hub/api/user')).json.name, 'al')
    assert.equal((await asAdmin('PATCH', '/hub/api/users/al')).status, 400)
    assert.equal((await asAdmin('PATCH', '/hub/api/users/gone', {})).status, 404)
  })

  it('deletes a user after their servers have stopped, and nobody deletes themselves', async t => {
    let state: 'stopped' | 'stopping' = 'stopping'
    const api = await testApi({ users: { stopServers: async () => state } })
    t.after(() => api.close())
    const asAdmin = api.as(await api.user('boss', { admin: true }))
    const alice = await api.user('alice')

    const waiting = await asAdmin('DELETE', '/hub/api/users/alice')
    state = 'stopped'
    const deleted = await asAdmin('DELETE', '/hub/api/users/alice')
    const self = await asAdmin('DELETE', '/hub/api/users/boss')

    assert.deepEqual(
      [waiting.status, waiting.json.message],
      [400, "alice's server is in the process of stopping, please wait."],
    )
    assert.equal(deleted.status, 204)
    assert.deepEqual([self.status, self.json.message], [400, 'Cannot delete yourself!'])
    assert.equal((await api.as(alice)('GET', '/hub/api/user')).status, 403)
    assert.equal((await asAdmin('DELETE', '/hub/api/users/alice')).status, 404)
  })
})

function namesOf(users: { name: string }[]): string[] {
  return users.map(user => user.name)
}

async function giveServer(
  db: Awaited<ReturnType<typeof testApi>>['db'],
  userId: number,
  phase: 'ready' | 'spawning' | 'stopped',
) {
  const server =
    phase === 'ready'
      ? await db
          .insertInto('servers')
          .values({ proto: 'http', ip: '127.0.0.1', port: 1, base_url: '/', cookie_name: 'cookie' })
          .returning('id')
          .executeTakeFirstOrThrow()
      : undefined
  const spawner = await db
    .insertInto('spawners')
    .values({
      user_id: userId,
      name: '',
      display_name: '',
      server_id: server?.id ?? null,
      state: '{}',
      user_options: '{}',
    } as never)
    .returning('id')
    .executeTakeFirstOrThrow()
  await db
    .insertInto('orrery_runs')
    .values({
      spawner_id: spawner.id,
      run_id: `run${spawner.id}`,
      phase,
      since: '2026-01-01 00:00:00.000000',
      percent: 0,
      message: '',
      failures: 0,
    } as never)
    .execute()
}
