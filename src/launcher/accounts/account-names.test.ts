import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import fc from 'fast-check'
import { folderNameOf, linuxNameOf } from './account-names.ts'

const name = (account: string) => linuxNameOf(account, 'jupyter-')
const accounts = fc.oneof(
  fc.string({ minLength: 1, maxLength: 80, unit: 'binary' }),
  fc.stringMatching(/^[a-z0-9_-]{1,40}$/),
)

describe('names of made Linux users', () => {
  it('keep ordinary names readable', () => {
    assert.equal(name('bob'), 'jupyter-bob')
    assert.equal(name('root'), 'jupyter-root')
  })

  it('give what is long or odd a digest', () => {
    assert.match(name('Ada Lovelace'), /^jupyter-ada-lovelac-[0-9a-f]{12}$/)
    assert.match(name('../../root'), /^jupyter-root-[0-9a-f]{12}$/)
    assert.match(name('李白'), /^jupyter-x-[0-9a-f]{12}$/)
    assert.notEqual(name('Bob'), name('bob'))
  })

  it('do not let a plain name stand in for a digested one', () => {
    const digested = name('Bob').slice('jupyter-'.length)
    assert.notEqual(name(digested), name('Bob'))
  })

  it('are names that useradd takes, and differ for different accounts', () => {
    fc.assert(
      fc.property(accounts, accounts, (one, other) => {
        assert.match(name(one), /^jupyter-[a-z0-9][a-z0-9_-]{0,23}$/)
        assert.match(folderNameOf(one), /^[a-z0-9][a-z0-9_-]{0,63}$/)
        assert.equal(name(one) === name(other), one === other)
        assert.equal(folderNameOf(one) === folderNameOf(other), one === other)
      }),
    )
  })
})
