import assert from 'node:assert/strict'
import { after, before, describe, it } from 'node:test'
import fc from 'fast-check'
import { type JupyterHubOracle, startOracle, withoutJupyterHub } from '../../test/support/jupyterhub-oracle.ts'
import { idnaSubdomain, legacySubdomain } from './subdomain-names.ts'

const user = (name: string) => idnaSubdomain(name, 'hub.org', 'user')

describe('hosts of names', () => {
  it('are the name where it can be one', () => {
    assert.equal(user('alice'), 'alice.hub.org')
    assert.equal(user('ada-l-2'), 'ada-l-2.hub.org')
    assert.equal(idnaSubdomain('docs', 'hub.org', 'service'), 'docs--service.hub.org')
  })

  it('are the IDNA form of a name in other letters', () => {
    assert.equal(user('münchen'), 'xn--mnchen-3ya.hub.org')
  })

  it('are a hint with a hash for all other names, which no other name has', () => {
    for (const name of ['a.b', 'a_b', '12', '-a', 'a@b.org', 'a--b', 'u-x--1234567', '😀', 'Ünal', 'x'.repeat(64)]) {
      assert.match(user(name), /^u-[a-z0-9]{1,8}--[0-9a-f]{7}\.hub\.org$/, name)
    }
    assert.notEqual(user('a.b'), user('a_b'))
    assert.notEqual(user('docs--service'), idnaSubdomain('docs', 'hub.org', 'service'))
  })

  it('are escaped with underscores by the old rule, and services share one', () => {
    assert.equal(legacySubdomain('a@b.org', 'hub.org', 'user'), 'a_40b.org.hub.org')
    assert.equal(legacySubdomain('a_b', 'hub.org', 'user'), 'a_5fb.hub.org')
    assert.equal(legacySubdomain('docs', 'hub.org', 'service'), 'services.hub.org')
  })
})

describe('hosts of names, beside the released JupyterHub', { skip: withoutJupyterHub }, () => {
  let oracle: JupyterHubOracle
  before(() => {
    oracle = startOracle()
  })
  after(() => oracle?.close())

  const theirs = (rule: string, names: readonly string[], kind: string) =>
    oracle.call<string[]>('subdomains', rule, names, 'hub.org', kind)

  // Its Python knows letters of Unicode 13 and newer, Node has no bidi classes for all of them; and its pattern takes
  // four letters for ASCII that are not (`re.IGNORECASE`), of which three have a host of their own here.
  // Joiners within scripts that run from right to left are left out: their rules need tables that Node does not show.
  const isComparable = (text: string) =>
    /^\p{Assigned}*$/u.test(text) &&
    !/[İıſ\u212a]/.test(text) &&
    !(/[\u200c\u200d]/.test(text) && /[\u0590-\u08ff]/.test(text))
  const letter = fc.oneof(
    fc.constantFrom(...'abcxyz019-_.@ ~+%AZ'),
    fc.constantFrom(...'äößéñçšžαςωжйяשًاب٣۳कक्षあカー・漢字한글l·'),
    fc.constantFrom('\u200d', '\u200c', '\u0308', '\u094d', '\u05f3', '\u0375', '\u3007', '😀', 'ﬁ', '½'),
    fc.integer({ min: 0x20, max: 0x2fff }).map(code => String.fromCodePoint(code)),
  )
  const OLD =
    /^[ -\u085e\u08a0-\u08b4\u08b6-\u08bd\u08e3-\u0c4d\u0d00-\u0ecd\u0ecf-\u1abe\u1b00-\u1c88\u1d00-\u2dff\u2e80-\uffff]*$/
  const name = fc
    .array(letter, { minLength: 1, maxLength: 12 })
    .map(letters => letters.join(''))
    .filter(text => isComparable(text) && OLD.test(text.replaceAll('😀', '')) && text.trim() === text && text !== '')

  for (const [rule, hook] of [
    ['idna', idnaSubdomain],
    ['legacy', legacySubdomain],
  ] as const) {
    it(`are the same by the rule ${rule}`, async () => {
      const names = fc.sample(name, 3000)
      for (const kind of ['user', 'service'] as const) {
        const ours = names.map(text => hook(text, 'hub.org', kind))
        const expected = await theirs(rule, names, kind)
        const differ = names.flatMap((text, at) => (ours[at] === expected[at] ? [] : [[text, ours[at], expected[at]]]))
        assert.deepEqual(differ, [])
      }
    })
  }
})
