import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { escapeUnitPart, UNIT_NAME_PATTERN, unitNameOf } from './unit-name.ts'

const TEMPLATES = ['jupyter-{username}', 'jupyter-{username}-{servername}', 'a-b-{username}-x-{servername}-y']
/** Characters that mean something to systemd, to a shell, or to the template, and pieces of escaped text. */
const PIECES = [
  'a',
  'b',
  '-',
  '.',
  '/',
  '\\x2d',
  '@',
  ' ',
  '%',
  '$',
  '{servername}',
  '{username}',
  'ü',
  ':',
  '_',
  'A',
  '"',
  ';',
]

describe('the name of a unit', () => {
  it('can be read', () => {
    assert.equal(unitNameOf({ user: 'ada', server: '' }, 'jupyter-{username}-{servername}'), 'jupyter-ada')
    assert.equal(unitNameOf({ user: 'ada', server: 'gpu' }, 'jupyter-{username}-{servername}'), 'jupyter-ada-gpu')
    assert.equal(
      unitNameOf({ user: 'ada', server: 'gpu' }, 'jupyter-{username}-singleuser'),
      'jupyter-ada-singleuser-gpu',
    )
  })

  it('holds nothing but what systemd takes, whatever a user is called', () => {
    assert.equal(escapeUnitPart('.a-b/ü@$(id)'), '\\x2ea\\x2db\\x2f\\xc3\\xbc\\x40\\x24\\x28id\\x29')
    for (const { name } of names()) assert.match(name, /^[A-Za-z0-9:_.\\-]{1,190}$/)
  })

  it('belongs to one server alone', () => {
    const owners = new Map<string, string>()
    for (const { template, name, owner } of names()) {
      const unit = `${template} ${name}`
      assert.equal(owners.get(unit) ?? owner, owner, unit)
      owners.set(unit, owner)
    }
    assert.ok(owners.size > 10_000)
  })

  it('is shortened with a digest that no other name ends like', () => {
    const long = (end: string) => unitNameOf({ user: 'ü'.repeat(120) + end, server: '' }, 'jupyter-{username}')
    assert.equal(long('a').length, 190)
    assert.notEqual(long('a'), long('b'))
    const copied = long('a').slice('jupyter-'.length)
    assert.notEqual(unitNameOf({ user: copied, server: '' }, 'jupyter-{username}'), long('a'))
  })

  it('begins with a text of the site, and keeps user and server apart', () => {
    for (const template of TEMPLATES) assert.match(template, UNIT_NAME_PATTERN)
    for (const refused of [
      '{username}',
      'ssh',
      '-{username}',
      'x{username}',
      'j-{username}{servername}',
      'j-{servername}',
      'j-{username}_{servername}',
      'j-{username}-',
      'a/j-{username}',
      'j-{username}@x',
      'j-%u-{username}',
    ])
      assert.doesNotMatch(refused, UNIT_NAME_PATTERN)
  })
})

/** Every server of up to three pieces in user and name, for each template. */
function* names(): Generator<{ template: string; name: string; owner: string }> {
  const texts = [...PIECES, ...PIECES.flatMap(a => PIECES.map(b => a + b))]
  for (const template of TEMPLATES) {
    for (const user of texts) {
      for (const server of ['', ...PIECES]) {
        const key = { user, server }
        yield { template, name: unitNameOf(key, template), owner: JSON.stringify(key) }
      }
    }
  }
}
