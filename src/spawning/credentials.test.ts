import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { testDatabases } from '../db/testing.ts'
import type { SpawningSettings } from './context.ts'
import { type TestSite, testSite } from './testing.ts'

const [kind] = testDatabases()
const gpu = { user: 'ada', server: 'gpu' }

async function site(): Promise<TestSite> {
  const { url, drop } = await kind!.create()
  const made = await testSite({ databaseUrl: url, drop })
  await made.addUser('ada')
  await made.addUser('boss', { admin: true })
  return made
}

async function startedWith(here: TestSite, settings: Partial<SpawningSettings>, key = gpu) {
  const { spawning } = await here.hub({ settings })
  await spawning.start(key, { requestedBy: key.user })
  const state = await spawning.settled(key, 10_000)
  const { db } = here.database
  const tokens = await db.selectFrom('api_tokens').select('scopes').where('note', 'like', 'Server at %').execute()
  const clients = await db
    .selectFrom('oauth_clients')
    .select('allowed_scopes')
    .where('identifier', '!=', 'jupyterhub')
    .execute()
  return {
    state,
    tokenScopes: tokens.map(token => JSON.parse(token.scopes!) as string[]),
    clientScopes: clients.map(client => JSON.parse(client.allowed_scopes!) as string[]),
    environment: [...here.world.servers.values()][0]?.env ?? {},
  }
}

describe("a server's token", () => {
  it('holds what the site chooses as far as the user holds it, and always the telling of activity', async () => {
    await using here = await site()

    const { tokenScopes } = await startedWith(here, {
      serverTokenScopes: ['access:servers!server', 'read:users', 'admin:groups', 'no:such'],
    })

    // As the released JupyterHub: what is held in part is spelled out, what is not held is left out.
    assert.deepEqual(tokenScopes, [
      [
        'access:servers!server=ada/gpu',
        'read:users!user=ada',
        'read:users:activity!user=ada',
        'read:users:groups!user=ada',
        'read:users:name!user=ada',
        'users:activity!user',
      ],
    ])
  })

  it('may be chosen for each user and server, and keeps inherit as it is', async () => {
    await using here = await site()
    const asked: string[] = []

    const { tokenScopes } = await startedWith(here, {
      serverTokenScopes: async (user, server) => {
        asked.push(`${user.name}/${server}`)
        return ['inherit']
      },
    })

    assert.deepEqual(asked, ['ada/gpu'])
    assert.deepEqual(tokenScopes, [['inherit']])
  })

  it('of an administrator gets more of the same choice', async () => {
    await using here = await site()

    const { tokenScopes } = await startedWith(
      here,
      { serverTokenScopes: ['users:activity!user', 'admin:groups'] },
      { user: 'boss', server: '' },
    )

    assert.deepEqual(tokenScopes, [['admin:groups', 'users:activity!user']])
  })

  it('is not made, and the start fails, where the function of the site gives something else', async () => {
    await using here = await site()

    const { state, tokenScopes } = await startedWith(here, { serverTokenScopes: () => 'inherit' as never })

    assert.partialDeepStrictEqual(state, { phase: 'failed', reason: { code: 'config_function_failed' } })
    assert.deepEqual(tokenScopes, [])
  })
})

describe('the OAuth client of a server', () => {
  it('may ask visitors for what the site chooses, and for access to the server', async () => {
    await using here = await site()

    const { clientScopes, environment } = await startedWith(here, {
      oauthClientAllowedScopes: user => [`read:users!user=${user.name}`],
    })

    assert.deepEqual(clientScopes, [['access:servers!server=ada/gpu', 'read:users!user=ada']])
    assert.equal(environment.JUPYTERHUB_OAUTH_CLIENT_ALLOWED_SCOPES, '["read:users!user=ada"]')
  })

  it('is never that of another server, whose name JupyterHub would give it too', async () => {
    await using here = await site()
    await here.addUser('ada-gpu')
    const twin = { user: 'ada-gpu', server: '' }
    const { spawning } = await here.hub()
    const clients = async () => {
      const rows = await here.database.db
        .selectFrom('oauth_clients')
        .select(['identifier', 'redirect_uri'])
        .where('identifier', '!=', 'jupyterhub')
        .execute()
      return Object.fromEntries(rows.map(row => [row.identifier, row.redirect_uri]))
    }
    const both = {
      'jupyterhub-user-ada-gpu': '/user/ada/gpu/oauth_callback',
      'jupyterhub-user-ada-gpu%2F': '/user/ada-gpu/oauth_callback',
    }
    for (const key of [gpu, twin]) {
      await spawning.start(key, { requestedBy: key.user })
      assert.equal((await spawning.settled(key, 10_000)).phase, 'ready')
    }

    assert.deepEqual(await clients(), both)
    const told = [...here.world.servers.values()].map(({ env }) => env.JUPYTERHUB_CLIENT_ID)
    assert.deepEqual(told.sort(), Object.keys(both))
    await spawning.stop(gpu, { by: 'ada' })
    await spawning.settled(gpu, 10_000)
    assert.deepEqual(await clients(), { 'jupyterhub-user-ada-gpu%2F': '/user/ada-gpu/oauth_callback' })
    await spawning.stop(twin, { by: 'ada-gpu' })
    await spawning.settled(twin, 10_000)
    assert.deepEqual(await clients(), {})
  })

  it('is another one for each of two that start at once', async () => {
    for (const each of testDatabases()) {
      const { url, drop } = await each.create()
      await using here = await testSite({ databaseUrl: url, drop })
      const keys = [gpu, { user: 'ada-gpu', server: '' }]
      for (const { user } of keys) await here.addUser(user)
      const hubs = [await here.hub(), await here.hub()]

      await Promise.all(keys.map((key, at) => hubs[at]!.spawning.start(key, { requestedBy: key.user })))
      for (const [at, key] of keys.entries()) await hubs[at]!.spawning.settled(key, 10_000)

      const told = [...here.world.servers.values()].map(({ env }) => env.JUPYTERHUB_CLIENT_ID)
      assert.equal(new Set(told).size, 2, `${each.name}: ${told}`)
    }
  })
})
