import assert from 'node:assert/strict'
import { after, before, describe, it } from 'node:test'
import fc from 'fast-check'
import { type JupyterHubOracle, startOracle, withoutJupyterHub } from '../../../test/support/jupyterhub-oracle.ts'
import { defaultRoles } from './default-roles.ts'
import { scopeDefinitions } from './definitions.ts'
import { expandScopes, unknownScopes } from './expand.ts'
import { intersectScopes } from './intersect.ts'
import { parseScopes, unparseScopes } from './parse.ts'
import { hasScope } from './reach.ts'
import { resolveRequestedScopes } from './resolve-requested.ts'
import type { ScopeTarget } from './types.ts'

const membership: Readonly<Record<string, string[]>> = { ann: ['red'], bob: ['red', 'blue'], cy: [] }
const RUNS = { numRuns: 300 }

const names = Object.keys(scopeDefinitions).filter(name => name !== '(no_scope)')
const user = fc.constantFrom('ann', 'bob', 'cy', 'nobody')
const server = fc.tuple(user, fc.constantFrom('', 'lab', 'gpu')).map(([owner, name]) => `${owner}/${name}`)
const group = fc.constantFrom('red', 'blue', 'green')
const service = fc.constantFrom('culler', 'grader')
const namedFilter = fc.oneof(
  user.map(name => `!user=${name}`),
  server.map(name => `!server=${name}`),
  group.map(name => `!group=${name}`),
  service.map(name => `!service=${name}`),
)
const openFilter = fc.constantFrom('', '!user', '!server', '!service')
const rawScope = fc
  .tuple(fc.constantFrom(...names), fc.oneof(openFilter, namedFilter))
  .map(([name, filter]) => name + filter)
const rawScopes = fc.uniqueArray(rawScope, { maxLength: 6 })
/** Few names, so that two sets meet often. */
const meetingScope = fc
  .tuple(
    fc.constantFrom('read:users', 'servers', 'access:servers', 'groups', 'read:services'),
    fc.oneof(fc.constant(''), namedFilter),
  )
  .map(([name, filter]) => name + filter)
const meetingScopes = fc.uniqueArray(meetingScope, { maxLength: 8 })
const owner = fc.record({
  user: fc.option(fc.constantFrom('ann', 'bob'), { nil: undefined }),
  client_server: fc.option(server, { nil: undefined }),
  client_service: fc.option(service, { nil: undefined }),
})

describe('scopes, held against the released JupyterHub', { skip: withoutJupyterHub }, () => {
  let oracle: JupyterHubOracle
  before(async () => {
    oracle = startOracle()
    await oracle.call('setup', membership)
  })
  after(() => oracle.close())

  it('are the same ones, with the same hierarchy and default roles', async () => {
    const hierarchy = Object.fromEntries(
      Object.entries(scopeDefinitions).map(([name, { subscopes = [] }]) => [name, subscopes]),
    )
    assert.deepEqual(hierarchy, await oracle.call('definitions'))
    const roles = Object.fromEntries(defaultRoles.map(role => [role.name, role.scopes]))
    assert.deepEqual(roles, await oracle.call('default_roles'))
  })

  it('expand alike', async () => {
    await fc.assert(
      fc.asyncProperty(rawScopes, owner, async (raw, of) => {
        // A client is a service or a server, never both.
        const server = of.client_service === undefined ? of.client_server : undefined
        const ours = expandScopes(raw, { user: of.user, server, service: of.client_service })
        assert.deepEqual([...ours].sort(), (await oracle.call<string[]>('expand', raw, of)).sort())
      }),
      RUNS,
    )
  })

  it('expand alike for services', async () => {
    await fc.assert(
      fc.asyncProperty(rawScopes, service, async (raw, name) => {
        const ours = expandScopes(raw, { service: name })
        assert.deepEqual([...ours].sort(), (await oracle.call<string[]>('expand', raw, { owner_service: name })).sort())
      }),
      RUNS,
    )
  })

  it('intersect alike', async () => {
    await fc.assert(
      fc.asyncProperty(meetingScopes, meetingScopes, async (a, b) => {
        const ours = intersectScopes(a, b, { groupsOf: name => membership[name] ?? [] })
        assert.deepEqual([...ours].sort(), (await oracle.call<string[]>('intersect', a, b)).sort())
      }),
      RUNS,
    )
  })

  it('are parsed alike: all of a kind outweighs some, filters add up', async () => {
    await fc.assert(
      fc.asyncProperty(meetingScopes, async held => {
        const ours = unparseScopes(parseScopes(held))
        assert.deepEqual([...ours].sort(), (await oracle.call<string[]>('reduce', held)).sort())
      }),
      RUNS,
    )
  })

  it('exist alike', async () => {
    const odd = fc.constantFrom('fly', 'self', 'inherit', '(no_scope)', 'all', 'toString', 'users ', 'Users', '', '!')
    const oddFilter = fc.constantFrom('!', '!group', '!user=', '!planet=mars', '!user!user=ann', '!=', '!users=ann')
    const text = fc
      .tuple(fc.oneof(fc.constantFrom(...names), odd), fc.oneof(openFilter, namedFilter, oddFilter))
      .map(parts => parts.join(''))
    await fc.assert(
      fc.asyncProperty(text, async scope => {
        assert.equal(unknownScopes([scope]).length === 0, await oracle.call('exists', scope))
      }),
      RUNS,
    )
  })

  it('are granted to clients alike', async () => {
    await fc.assert(
      fc.asyncProperty(rawScope, rawScopes, owner, async (requested, have, of) => {
        const server = of.client_service === undefined ? of.client_server : undefined
        const ours = resolveRequestedScopes(
          [requested],
          new Set(have),
          { user: of.user, server, service: of.client_service },
          { groupsOf: name => membership[name] ?? [] },
        )
        const theirs = await oracle.call<[string[], string[]]>('resolve', [requested], have, of)
        assert.deepEqual([[...ours.allowed].sort(), [...ours.disallowed].sort()], theirs)
      }),
      RUNS,
    )
  })

  it('permit alike', async () => {
    const target = fc.oneof(
      user.map((name): [string, ScopeTarget] => [`user=${name}`, { user: name, groups: membership[name] ?? [] }]),
      server.map((text): [string, ScopeTarget] => {
        const [name, serverName] = text.split('/') as [string, string]
        return [`server=${text}`, { user: name, server: serverName, groups: membership[name] ?? [] }]
      }),
      group.map((name): [string, ScopeTarget] => [`group=${name}`, { group: name }]),
      service.map((name): [string, ScopeTarget] => [`service=${name}`, { service: name }]),
      fc.constant<[string, undefined]>(['', undefined]),
    )
    await fc.assert(
      fc.asyncProperty(
        meetingScopes,
        fc.constantFrom('read:users', 'servers', 'groups', 'read:services'),
        target,
        async (held, name, [filter, of]) => {
          const ours = hasScope(parseScopes(held), name, of)
          assert.equal(ours, await oracle.call('has_scope', filter ? `${name}!${filter}` : name, held))
        },
      ),
      RUNS,
    )
  })
})
