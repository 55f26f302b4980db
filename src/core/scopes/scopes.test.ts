import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import fc from 'fast-check'
import { withCustomScopes } from './custom.ts'
import { scopeDefinitions } from './definitions.ts'
import { describeScopes } from './describe.ts'
import { expandScopes, unknownScopes } from './expand.ts'
import { intersectScopes } from './intersect.ts'
import { parseScopes, unparseScopes, withScopes } from './parse.ts'
import { hasScope, scopeReach } from './reach.ts'

const nobodyInGroups = { groupsOf: () => [] }
const expanded = fc.uniqueArray(
  fc
    .tuple(
      fc.constantFrom(...Object.keys(scopeDefinitions)),
      fc.constantFrom('', '!user=ann', '!server=ann/lab', '!group=red', '!service=culler'),
    )
    .map(([name, filter]) => name + filter),
  { maxLength: 10 },
)

describe('scopes', () => {
  it('bring what they include, with the filter they carry', () => {
    assert.deepEqual([...expandScopes(['groups!group=red'])].sort(), [
      'groups!group=red',
      'list:groups!group=red',
      'read:groups!group=red',
      'read:groups:name!group=red',
    ])
  })

  it('name no users when they are held for one server only', () => {
    assert.deepEqual([...expandScopes(['read:servers!server'], { server: 'ann/lab' })], ['read:servers!server=ann/lab'])
  })

  it('give nothing for open filters without an owner, unknown names and empty filters', () => {
    assert.deepEqual([...expandScopes(['servers!user', 'self', 'fly', 'servers!user='], { service: 'culler' })], [])
    assert.deepEqual([...parseScopes(['servers!user=', 'servers!planet=mars']).keys()], [])
  })

  it('outweigh filtered ones of their name', () => {
    assert.equal(scopeReach(parseScopes(['servers!user=ann', 'servers', 'servers!user=bob']), 'servers'), 'all')
  })

  it('are joined as if they had been parsed together', () => {
    fc.assert(
      fc.property(expanded, expanded, (some, more) => {
        assert.deepEqual(
          unparseScopes(withScopes(parseScopes(some), more)),
          unparseScopes(parseScopes([...some, ...more])),
        )
      }),
    )
  })

  it('reach the servers of a user, and users through their groups', () => {
    const scopes = parseScopes(['servers!user=ann', 'servers!group=red', 'servers!server=cy/lab'])
    assert.equal(hasScope(scopes, 'servers', { user: 'ann', server: 'lab' }), true)
    assert.equal(hasScope(scopes, 'servers', { user: 'bob', groups: ['red'] }), true)
    assert.equal(hasScope(scopes, 'servers', { user: 'cy', server: 'lab' }), true)
    assert.equal(hasScope(scopes, 'servers', { user: 'cy', server: '' }), false)
    assert.equal(hasScope(scopes, 'servers', { user: 'cy' }), false)
    assert.equal(hasScope(scopes, 'servers'), false)
  })

  it('are the same after parsing and writing', () => {
    fc.assert(
      fc.property(expanded, scopes => {
        const once = unparseScopes(parseScopes(scopes))
        assert.deepEqual(unparseScopes(parseScopes(once)), once)
      }),
    )
  })

  it('intersect to no more than either side, in either order', () => {
    fc.assert(
      fc.property(expanded, expanded, (a, b) => {
        const both = intersectScopes(a, b, nobodyInGroups)
        assert.deepEqual([...intersectScopes(b, a, nobodyInGroups)].sort(), [...both].sort())
        assert.deepEqual([...intersectScopes(both, a, nobodyInGroups)].sort(), [...both].sort())
        assert.deepEqual([...intersectScopes(both, b, nobodyInGroups)].sort(), [...both].sort())
      }),
    )
  })

  it('tell what is unknown about them', () => {
    assert.deepEqual(
      unknownScopes(['servers', 'servers!user', 'servers!group=red', 'fly', 'servers!group', 'servers!planet=mars']),
      ['fly', 'servers!group', 'servers!planet=mars'],
    )
  })

  it('of a site stand beside the others, and are refused when they could be taken for them', () => {
    const definitions = withCustomScopes({
      'custom:files:read': { description: 'Read files' },
      'custom:files': { description: 'Files', subscopes: ['custom:files:read'] },
    })
    assert.deepEqual(
      [...expandScopes(['custom:files!user'], { user: 'ann' }, definitions)],
      ['custom:files!user=ann', 'custom:files:read!user=ann'],
    )
    assert.throws(() => withCustomScopes({ users: { description: 'mine' } }), /no name for a custom scope/)
    assert.throws(
      () => withCustomScopes({ 'custom:all': { description: 'x', subscopes: ['admin:users'] } }),
      /no custom scope/,
    )
  })

  it('are told in words, with whom they concern', () => {
    const told = describeScopes(
      ['read:users!user', 'servers!group=red', 'access:services!service=culler', 'proxy'],
      'ann',
    )
    assert.deepEqual(
      told.map(({ scope, filter }) => [scope, filter]),
      [
        ['read:users', 'only you'],
        ['servers', 'users in group red'],
        ['access:services', 'service culler'],
        ['proxy', undefined],
      ],
    )
  })
})
