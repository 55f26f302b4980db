/** What users, services and tokens may do, read out of one database by Orrery and by the released JupyterHub. */
import assert from 'node:assert/strict'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, describe, it } from 'node:test'
import fc from 'fast-check'
import { type JupyterHubOracle, startOracle, withoutJupyterHub } from '../../test/support/jupyterhub-oracle.ts'
import { silentLogger } from '../core/runtime.ts'
import { withCustomScopes } from '../core/scopes/custom.ts'
import { parseScopes, unparseScopes } from '../core/scopes/parse.ts'
import type { ScopeMap } from '../core/scopes/types.ts'
import { openDatabase } from '../db/open-database.ts'
import { type TestHub, testHub } from './testing.ts'

const CUSTOM = {
  'custom:files:read': { description: 'Read files' },
  'custom:files': { description: 'Files', subscopes: ['custom:files:read'] },
}
const definitions = withCustomScopes(CUSTOM)
const USERS = ['ann', 'bob', 'cy']
const GROUPS = ['red', 'blue']
const SERVICES = ['culler', 'grader']
const SERVERS = ['ann/', 'ann/lab', 'bob/']
const ROLES = ['one', 'two', 'three']

const name = fc.constantFrom(...Object.keys(definitions).filter(scope => !['(no_scope)', 'inherit'].includes(scope)))
const filter = fc.oneof(
  fc.constantFrom('', '!user', '!server', '!service'),
  fc.constantFrom(...USERS, 'nobody').map(user => `!user=${user}`),
  fc.constantFrom(...SERVERS, 'cy/gone').map(server => `!server=${server}`),
  fc.constantFrom(...GROUPS).map(group => `!group=${group}`),
  fc.constantFrom(...SERVICES).map(service => `!service=${service}`),
)
/** Those about people and servers more often: their filters meet. */
const scope = fc
  .tuple(
    fc.oneof(name, fc.constantFrom('servers', 'read:users', 'access:servers', 'users:activity', 'custom:files')),
    filter,
  )
  .map(([base, of]) => base + of)
const scopes = fc.uniqueArray(scope, { maxLength: 5 })
const some = (names: readonly string[]) => fc.subarray([...names])

const world = fc.record({
  groups: fc.record(Object.fromEntries(USERS.map(user => [user, some(GROUPS)]))),
  roles: fc.record(Object.fromEntries(ROLES.map(role => [role, scopes]))),
  holders: fc.record({
    users: fc.record(Object.fromEntries(USERS.map(user => [user, some([...ROLES, 'user', 'admin'])]))),
    groups: fc.record(Object.fromEntries(GROUPS.map(group => [group, some(ROLES)]))),
    services: fc.record(Object.fromEntries(SERVICES.map(service => [service, some([...ROLES, 'admin'])]))),
  }),
  shares: fc.array(
    fc.record({
      server: fc.constantFrom(...SERVERS),
      with: fc.constantFrom('cy', 'red', 'blue'),
      scopes: some(['access:servers', 'read:servers', 'start:servers', 'servers']),
    }),
    { maxLength: 3 },
  ),
  tokens: fc.array(
    fc.record({
      owner: fc.constantFrom(...USERS, ...SERVICES),
      client: fc.constantFrom('jupyterhub', 'client-of-ann/', 'client-of-bob/', 'client-of-culler'),
      scopes: fc.oneof({ weight: 4, arbitrary: scopes }, { weight: 1, arbitrary: fc.constant(['inherit']) }),
    }),
    { minLength: 1, maxLength: 4 },
  ),
})
type World = typeof world extends fc.Arbitrary<infer T> ? T : never

/** `!service` of a token that one service got for another is the one it was issued for. */
const FOUND_BEFORE: readonly World[] = [
  {
    groups: { ann: [], bob: [], cy: [] },
    roles: { one: [], two: [], three: [] },
    holders: {
      users: { ann: [], bob: [], cy: [] },
      groups: { red: [], blue: [] },
      services: { culler: [], grader: ['admin'] },
    },
    shares: [],
    tokens: [{ owner: 'grader', client: 'client-of-culler', scopes: ['admin-ui!service'] }],
  },
]

describe('what one may do, held against the released JupyterHub', { skip: withoutJupyterHub }, () => {
  let dir: string
  let hub: TestHub
  let oracle: JupyterHubOracle
  before(async () => {
    dir = mkdtempSync(join(tmpdir(), 'orrery-scopes-'))
    const url = `sqlite:///${join(dir, 'hub.sqlite')}`
    const open = () => openDatabase(url, { log: silentLogger, create: true })
    hub = await testHub({ open, scopeDefinitions: definitions })
    oracle = startOracle()
    await oracle.call('define_scopes', CUSTOM)
    await oracle.call('open_database', url)
  })
  after(async () => {
    oracle?.close()
    await hub?.close()
    rmSync(dir, { recursive: true })
  })

  it('is the same for users, by roles, groups and shares', () =>
    holds(async given => {
      const { users } = await make(given)
      for (const [user, id] of users) await agree(`user ${user}`, await hub.access.scopesOfUser(id), 'User', id)
    }))

  it('is the same for services', () =>
    holds(async given => {
      const { services } = await make({ ...given, shares: [] })
      for (const [service, id] of services)
        await agree(`service ${service}`, await hub.access.scopesOfService(id), 'Service', id)
    }))

  // Shares are left out: JupyterHub cuts some of them off tokens, see docs/differences.md.
  it('is the same for tokens: no more than their owner may', () =>
    holds(async given => {
      const { tokens } = await make({ ...given, shares: [] })
      for (const [at, id] of tokens.entries()) {
        const { owner, client, scopes: raw } = given.tokens[at]! // one was made of each
        const title = `token of ${owner} for ${client} with ${raw}`
        await agree(title, await hub.access.scopesOfToken(id), 'APIToken', id)
      }
    }, FOUND_BEFORE))

  /** A failure shows the smallest world that fails, and the seed that makes it again. */
  function holds(rule: (given: World) => Promise<void>, examples: readonly World[] = []): Promise<void> {
    return fc.assert(fc.asyncProperty(world, rule), { numRuns: 60, examples: examples.map(given => [given]) })
  }

  async function agree(what: string, ours: ScopeMap | undefined, kind: string, id: number): Promise<void> {
    const theirs = await oracle.call<string[]>('scopes_held', kind, id)
    const plain = (map: ScopeMap) => [...unparseScopes(map)].sort()
    assert.deepEqual(plain(ours!), plain(parseScopes(theirs)), what)
  }

  async function make(given: World) {
    const { db } = hub.database
    const tables = [
      'api_tokens',
      'shares',
      'user_role_map',
      'group_role_map',
      'service_role_map',
      'user_group_map',
    ] as const
    for (const table of [...tables, 'spawners', 'users', 'groups', 'services'] as const)
      await db.deleteFrom(table).execute()
    await db.deleteFrom('roles').where('name', 'in', ROLES).execute()
    await db.deleteFrom('oauth_clients').where('identifier', 'like', 'client-of-%').execute()

    for (const [role, list] of Object.entries(given.roles)) await hub.addRole(role, list)
    const roles = await idsOf('roles')
    const users = new Map<string, number>()
    for (const user of USERS) users.set(user, (await hub.addUser(user, { groups: given.groups[user]! })).id)
    await db.deleteFrom('user_role_map').execute() // the default ones: this world has its own
    for (const group of GROUPS) {
      const values = { name: group, properties: '{}' }
      await db
        .insertInto('groups')
        .values(values)
        .onConflict(on => on.doNothing())
        .execute()
    }
    const groups = await idsOf('groups')
    const services = new Map<string, number>()
    const clients = SERVICES.map(service => `client-of-${service}`).concat(SERVERS.map(server => `client-of-${server}`))
    for (const identifier of clients) {
      const values = { identifier, description: '', secret: 'x', redirect_uri: '', allowed_scopes: '[]' }
      await db.insertInto('oauth_clients').values(values).execute()
    }
    for (const service of SERVICES)
      services.set(service, await hub.addService(service, { oauthClientId: `client-of-${service}` }))
    const servers = new Map<string, number>()
    for (const server of SERVERS) {
      const [user, lab] = server.split('/') as [string, string]
      servers.set(server, await hub.addServer(users.get(user)!, lab, `client-of-${server}`))
    }

    for (const [user, held] of Object.entries(given.holders.users))
      for (const role of held) await grant('user_role_map', { user_id: users.get(user)! }, roles.get(role)!)
    for (const [group, held] of Object.entries(given.holders.groups))
      for (const role of held) await grant('group_role_map', { group_id: groups.get(group)! }, roles.get(role)!)
    for (const [service, held] of Object.entries(given.holders.services))
      for (const role of held) await grant('service_role_map', { service_id: services.get(service)! }, roles.get(role)!)
    for (const share of given.shares) {
      await db
        .insertInto('shares')
        .values({
          user_id: users.get(share.with) ?? null,
          group_id: groups.get(share.with) ?? null,
          created_at: '2026-01-01 00:00:00.000000',
          expires_at: null,
          owner_id: users.get(share.server.split('/')[0]!)!,
          spawner_id: servers.get(share.server)!,
          scopes: JSON.stringify(share.scopes.map(each => `${each}!server=${share.server}`)),
        })
        .execute()
    }
    const tokens: number[] = []
    for (const { owner, client, scopes: raw } of given.tokens) {
      const values = {
        user_id: users.get(owner) ?? null,
        service_id: services.get(owner) ?? null,
        hashed: `x:${tokens.length}`,
        prefix: 'x',
        client_id: client,
        session_id: null,
        created: null,
        expires_at: null,
        last_activity: null,
        note: '',
        scopes: JSON.stringify(raw),
      }
      tokens.push((await db.insertInto('api_tokens').values(values).returning('id').executeTakeFirstOrThrow()).id)
    }
    hub.access.changed()
    return { users, services, tokens }

    async function grant(
      table: 'user_role_map' | 'group_role_map' | 'service_role_map',
      holder: object,
      role: number,
    ): Promise<void> {
      // The three tables differ in the holder's column alone.
      await db
        .insertInto(table)
        .values({ ...holder, role_id: role, managed_by_auth: false } as never)
        .execute()
    }
  }

  async function idsOf(table: 'roles' | 'groups'): Promise<ReadonlyMap<string, number>> {
    const rows = await hub.database.db.selectFrom(table).select(['id', 'name']).execute()
    return new Map(rows.map(row => [row.name, row.id]))
  }
})
