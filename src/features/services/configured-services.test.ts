import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { verifyToken } from '../../access/token-format.ts'
import { silentLogger } from '../../core/runtime.ts'
import type { Database } from '../../db/database.ts'
import { testDatabases } from '../../db/testing.ts'
import { testClock } from '../accounts/testing.ts'
import { applyConfiguredRoles } from '../roles/configured-roles.ts'
import { createUserNames } from '../users/user-names.ts'
import { applyConfiguredServices, renewServiceToken } from './configured-services.ts'
import type { ServiceSpec } from './put-service.ts'
import { serviceRoutes } from './service-routes.ts'
import { findService, listServices } from './store.ts'

for (const kind of testDatabases()) {
  describe(`services of the config on ${kind.name}`, () => {
    it('come with address, route, OAuth client and token, and a second start changes nothing', async () => {
      await using hub = await testHub(kind.open)
      const docs = service({ name: 'docs', url: 'http://127.0.0.1:9999/ignored', apiToken: 'token-of-docs' })

      await hub.apply([docs])
      await hub.apply([docs])

      const row = await findService(hub.db, 'docs')
      assert.partialDeepStrictEqual(row, { url: docs.url, prefix: '/hubs/services/docs/', display: true, admin: false })
      const route = { target: 'http://127.0.0.1:9999', data: { service: 'docs' } }
      assert.deepEqual(
        [...(await serviceRoutes(hub.database, { baseUrl: '/hubs/' }))],
        [['/hubs/services/docs/', route]],
      )
      const client = await hub.db
        .selectFrom('oauth_clients')
        .selectAll()
        .where('identifier', '=', 'service-docs')
        .execute()
      assert.equal(client[0]?.redirect_uri, '/hubs/services/docs/oauth_callback')
      assert.deepEqual(JSON.parse(client[0]!.allowed_scopes!), ['access:services!service=docs'])
      assert.ok(verifyToken(client[0]!.secret!, 'token-of-docs'))
      const tokens = await hub.tokens('docs')
      assert.equal(tokens.length, 1)
      assert.ok(verifyToken(tokens[0]!.hashed, 'token-of-docs'))
      assert.equal((await hub.db.selectFrom('servers').select('id').execute()).length, 1)
    })

    it('lose the token that the config no longer has, and their OAuth client with their address', async () => {
      await using hub = await testHub(kind.open)
      await hub.apply([service({ name: 'docs', url: 'http://127.0.0.1:9999', apiToken: 'former-token' })])

      await hub.apply([service({ name: 'docs', apiToken: 'present-token' })])

      const tokens = await hub.tokens('docs')
      assert.equal(tokens.length, 1)
      assert.ok(verifyToken(tokens[0]!.hashed, 'present-token'))
      assert.equal((await serviceRoutes(hub.database, { baseUrl: '/hubs/' })).size, 0)
      assert.deepEqual(await hub.clients(), [])
    })

    it('get a new token at each start when they are managed and none is given', async () => {
      await using hub = await testHub(kind.open)
      const culler = service({ name: 'culler', url: 'http://127.0.0.1:9999', command: ['culler'] })

      const [ready] = await hub.apply([culler])
      const first = await renewServiceToken(hub.deps, ready!)
      const second = await renewServiceToken(hub.deps, ready!)
      await hub.apply([culler])

      assert.notEqual(first, second)
      const tokens = await hub.tokens('culler')
      assert.equal(tokens.length, 1)
      assert.ok(verifyToken(tokens[0]!.hashed, second))
      const [client] = await hub.db
        .selectFrom('oauth_clients')
        .selectAll()
        .where('identifier', '!=', 'jupyterhub')
        .execute()
      assert.ok(verifyToken(client!.secret!, second))
    })

    it('vanish with tokens and clients when they are configured no more', async () => {
      await using hub = await testHub(kind.open)
      await hub.apply([service({ name: 'docs', url: 'http://127.0.0.1:9999', apiToken: 'token-of-docs' })])

      await hub.apply(undefined)

      assert.deepEqual(await listServices(hub.db), [])
      assert.deepEqual(await hub.clients(), [])
      assert.deepEqual(await hub.db.selectFrom('servers').select('id').execute(), [])
      assert.deepEqual(await hub.db.selectFrom('api_tokens').select('id').execute(), [])
    })

    it('stay as JupyterHub left them while the config says nothing of services', async () => {
      await using hub = await testHub(kind.open)
      await hub.makeService('former', true)
      await hub.makeService('runtime', false)

      await hub.apply(undefined)
      assert.deepEqual(await hub.names(), ['former', 'runtime'])

      await hub.apply([])
      assert.deepEqual(await hub.names(), ['runtime'])
    })

    it('leave alone what was made at run time under their name', async () => {
      await using hub = await testHub(kind.open)
      await hub.makeService('docs', false)
      assert.deepEqual(await hub.apply([service({ name: 'docs', url: 'http://127.0.0.1:1', admin: true })]), [])
      assert.partialDeepStrictEqual(await findService(hub.db, 'docs'), { url: null, admin: false })
    })

    it('are administrators exactly as the config says, by flag or by role', async () => {
      await using hub = await testHub(kind.open)
      await hub.apply([service({ name: 'docs', admin: true })])
      assert.deepEqual((await findService(hub.db, 'docs'))?.roles, ['admin'])

      await hub.apply([service({ name: 'docs' })])
      assert.deepEqual((await findService(hub.db, 'docs'))?.roles, [])

      await hub.roles([{ name: 'admin', services: ['docs'] }])
      assert.partialDeepStrictEqual(await findService(hub.db, 'docs'), { roles: ['admin'], admin: true })
    })

    it("are refused with somebody else's token", async () => {
      await using hub = await testHub(kind.open)
      await hub.apply([service({ name: 'one', apiToken: 'the-same-token' })])
      const twice = [service({ name: 'two', apiToken: 'the-same-token' }), service({ name: 'one' })]
      await assert.rejects(hub.apply(twice), { code: 'config_invalid', message: /two/ })
    })
  })
}

function service(given: Partial<ServiceSpec> & { name: string }): ServiceSpec {
  const rest = {
    admin: false,
    display: true,
    info: {},
    oauthNoConfirm: false,
    oauthClientAllowedScopes: [],
    timeout: 30,
  }
  return { ...rest, ...given }
}

async function testHub(open: () => Promise<Database>) {
  const database = await open()
  const { db } = database
  const deps = { database, clock: testClock(), log: silentLogger, names: createUserNames() }
  await applyConfiguredRoles(deps, undefined)
  return {
    database,
    db,
    deps,
    apply: (services: ServiceSpec[] | undefined) => applyConfiguredServices({ ...deps, baseUrl: '/hubs/' }, services),
    roles: (roles: Parameters<typeof applyConfiguredRoles>[1]) => applyConfiguredRoles(deps, roles),
    names: async () => (await listServices(db)).map(({ name }) => name),
    tokens: (name: string) =>
      db
        .selectFrom('api_tokens')
        .innerJoin('services', 'services.id', 'api_tokens.service_id')
        .select('hashed')
        .where('services.name', '=', name)
        .execute(),
    clients: () =>
      db.selectFrom('oauth_clients').select('identifier').where('identifier', '!=', 'jupyterhub').execute(),
    makeService: (name: string, fromConfig: boolean) =>
      db
        .insertInto('services')
        .values({ name, admin: false, timeout: 30, from_config: fromConfig, display: true, oauth_no_confirm: false })
        .execute(),
    [Symbol.asyncDispose]: () => database.close(),
  }
}
