import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import fc from 'fast-check'
import { DEFAULT_HINT, DEFAULT_PATTERN, nameFault, normalName } from './account-names.ts'

const rules = { pattern: DEFAULT_PATTERN, hint: DEFAULT_HINT, reserved: new Set(['boss']) }
const code = (name: string) => nameFault(normalName(name), rules)?.code

describe('name of an own account', () => {
  it('is plain', () => {
    for (const name of ['a', 'alice', 'Alice', ' alice ', 'a.b', 'a-b_c', 'x1', 'a'.repeat(32)]) {
      assert.equal(code(name), undefined, name)
    }
  })

  it('is refused when it could mean something in a path, a shell, a page or an account list', () => {
    const bad = [
      '.',
      '..',
      'a/b',
      '/',
      'a..b',
      '../etc',
      'a%2fb',
      '%2e%2e',
      'a b',
      'a\nb',
      'a\0',
      '-a',
      '_a',
      '1a',
      'a-',
      'a.',
    ]
    const strange = [
      'é',
      'аlice' /* Cyrillic */,
      'a\u200b',
      '<b>',
      "a'b",
      'a"b',
      'a;b',
      '$a',
      'a@b',
      '~',
      'a'.repeat(33),
      'a'.repeat(9999),
    ]
    for (const name of [...bad, ...strange]) assert.equal(code(name), 'name_invalid', JSON.stringify(name).slice(0, 40))
    assert.equal(code(''), 'name_missing')
    assert.equal(code('   '), 'name_missing')
    assert.equal(code('BOSS'), 'name_reserved')
  })

  it('is of safe characters only, whatever was typed', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary', maxLength: 40 }), typed => {
        const name = normalName(typed)
        if (nameFault(name, rules) === undefined) assert.match(name, /^[a-z][a-z0-9._-]*$/)
      }),
    )
  })

  it('has to match the whole pattern of the site', () => {
    const own = { ...rules, pattern: /s\d+/ }
    assert.equal(nameFault('s123', own), undefined)
    assert.equal(nameFault('xs123', own)?.code, 'name_invalid')
    assert.equal(nameFault('s123\n', own)?.code, 'name_invalid')
  })
})
