import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import fc from 'fast-check'
import { fillInNames } from './fill-in-names.ts'

describe('names in paths of a config', () => {
  it('stand where the config says', () => {
    const key = { user: 'ada', server: 'gpu' }

    assert.equal(fillInNames('/data/{username}/{servername}', key), '/data/ada/gpu')
    assert.equal(fillInNames('~/work', key), '~/work')
  })

  it('lead to no other folder and bring nothing else in', () => {
    const at = (user: string, server = '') => fillInNames('/data/{username}/{servername}/end', { user, server })

    assert.equal(at('..', '../../etc'), '/data/%2E%2E/..%2F..%2Fetc/end')
    assert.equal(at("$'", '$`'), "/data/$'/$`/end")
    assert.equal(at('{servername}', '{username}'), '/data/{servername}/{username}/end')
    const name = fc.oneof(fc.constantFrom('.', '..', '/', '$&', "$'", '{username}', '../..'), fc.string())
    fc.assert(
      fc.property(name, name, (user, server) => {
        const parts = at(user, server).split('/')
        assert.equal(parts.length, 5)
        assert.ok(!parts.some(part => part === '.' || part === '..'), parts.join('/'))
      }),
    )
  })
})
