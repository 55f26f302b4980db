import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { defaultScopes, heldToServer, scopesForServer, withoutScopes } from './share-scopes.ts'

const gpu = { user: 'ada', server: 'gpu' }

describe('scopes of a share', () => {
  it('are narrowed to the one server, sorted and without doubles', () => {
    const scopes = scopesForServer(['read:servers', 'access:servers!server=ada/gpu', 'access:servers'], gpu)

    assert.deepEqual(scopes, ['access:servers!server=ada/gpu', 'read:servers!server=ada/gpu'])
    assert.deepEqual(defaultScopes({ user: 'ada', server: '' }), ['access:servers!server=ada/'])
  })

  it('are refused when they are about anything else', () => {
    for (const filter of ['server', 'server=ada/', 'server=bob/gpu', 'user=ada', 'group=x']) {
      assert.throws(() => scopesForServer([`access:servers!${filter}`], gpu), { code: 'share_scope_filter' })
    }
  })

  it('follow a server to its new name', () => {
    assert.deepEqual(heldToServer(['access:servers!server=ada/old'], gpu), ['access:servers!server=ada/gpu'])
  })

  it('are taken away with or without their filter, those of other servers not at all', () => {
    const held = ['access:servers!server=ada/gpu', 'read:servers!server=ada/gpu']

    assert.deepEqual(withoutScopes(held, ['access:servers'], gpu), held.slice(1))
    assert.deepEqual(withoutScopes(held, ['read:servers!server=ada/gpu'], gpu), held.slice(0, 1))
    assert.deepEqual(withoutScopes(held, ['read:servers!server=bob/gpu'], gpu), held)
  })
})
