import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import fc from 'fast-check'
import { type AccessRuleOptions, accessRules, accessWarnings, checkAccess, isAdminByRule } from './access-rules.ts'

const lower = (name: string) => name.toLowerCase()
const ada = { name: 'ada', groups: [] as string[], exists: false, vouchedFor: false }
const check = (options: AccessRuleOptions, applicant = ada) => checkAccess(accessRules(options, lower), applicant)
const code = (options: AccessRuleOptions, applicant = ada) => {
  const verdict = check(options, applicant)
  return 'refused' in verdict ? verdict.refused : 'allowed'
}

describe('access rules', () => {
  it('let nobody in unless something allows them', () => {
    assert.equal(code({}), 'not_allowed')
    assert.equal(code({ allowedUsers: ['bob'] }), 'not_allowed')
    assert.equal(code({ allowedGroups: ['physics'] }), 'not_allowed')
    assert.equal(code({}, { ...ada, exists: true }), 'not_allowed')
  })

  it('let in by name, as administrator, by group, because known, because vouched for, or everybody', () => {
    assert.equal(code({ allowedUsers: ['Ada'] }), 'allowed')
    assert.equal(code({ adminUsers: ['ADA'] }), 'allowed')
    assert.equal(code({ allowedGroups: ['physics'] }, { ...ada, groups: ['physics'] }), 'allowed')
    assert.equal(code({ adminGroups: ['wheel'] }, { ...ada, groups: ['wheel'] }), 'allowed')
    assert.equal(code({ allowExistingUsers: true }, { ...ada, exists: true }), 'allowed')
    assert.equal(code({}, { ...ada, vouchedFor: true }), 'allowed')
    assert.equal(code({ allowAll: true }), 'allowed')
  })

  it('let in known users where names are allowed, as JupyterHub, unless told otherwise', () => {
    const known = { ...ada, exists: true }
    assert.equal(code({ allowedUsers: ['bob'] }, known), 'allowed')
    assert.equal(code({ allowedUsers: ['bob'], allowExistingUsers: false }, known), 'not_allowed')
  })

  it('let a block win over everything', () => {
    const everything = { allowAll: true, allowedUsers: ['ada'], adminUsers: ['ada'], allowExistingUsers: true }
    fc.assert(
      fc.property(fc.boolean(), fc.boolean(), (exists, vouchedFor) => {
        const applicant = { ...ada, exists, vouchedFor }
        assert.equal(code({ ...everything, blockedUsers: ['ADA'] }, applicant), 'user_blocked')
      }),
    )
  })

  it('name what was missed', () => {
    const message = (options: AccessRuleOptions) => (check(options) as { message: string }).message
    assert.match(message({ allowedUsers: ['bob'], allowedGroups: ['x'] }), /known as ada.*not among.*no group/)
    assert.match(message({}), /no rule allows anybody yet/)
    assert.doesNotMatch(message({ allowedUsers: ['bob'] }), /bob/)
  })

  it('make administrators of names and groups', () => {
    const rules = accessRules({ adminUsers: ['ada'], adminGroups: ['wheel'] }, lower)
    assert.equal(isAdminByRule(rules, 'ada', []), true)
    assert.equal(isAdminByRule(rules, 'bob', ['users', 'wheel']), true)
    assert.equal(isAdminByRule(rules, 'bob', ['users']), false)
  })

  it('warn at start when nobody can sign in, and of names that are allowed and blocked', () => {
    assert.match(accessWarnings({}, { vouches: false })[0]!, /Nobody may sign in/)
    assert.deepEqual(accessWarnings({}, { vouches: true }), [])
    assert.deepEqual(accessWarnings({ allowAll: true }, { vouches: false }), [])
    assert.deepEqual(accessWarnings({ allowedUsers: ['a', 'b'], blockedUsers: ['b'] }, { vouches: false }), [
      'Blocked although named as allowed: b.',
    ])
  })
})
