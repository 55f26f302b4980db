import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import fc from 'fast-check'
import { profileList } from '../../config/profiles-option.ts'
import { HubError } from '../../core/errors.ts'
import type { Json } from '../../core/runtime.ts'
import { chooseProfile, offeredProfiles, optionsOf } from './choose-profile.ts'

const profiles = profileList.parse([
  {
    name: 'small',
    label: 'Small',
    options: {
      memory: {
        type: 'number',
        label: 'Memory',
        min: 0.5,
        max: 4,
        step: 0.1,
        default: 1,
        unit: 'G',
        setting: 'memLimit',
      },
      software: {
        type: 'choice',
        label: 'Software',
        choices: {
          old: { label: 'Old', groups: ['staff'] },
          new: { label: 'New' },
        },
        default: 'old',
      },
      branch: { type: 'text', label: 'Branch', pattern: '[a-z]+', default: 'main', variable: 'BRANCH' },
      gpu: { type: 'switch', label: 'GPU' },
    },
  },
  { name: 'large', label: 'Large', groups: ['staff'], users: ['eve'], default: true },
])
const student = { name: 'sue', groups: [] as string[] }
const teacher = { name: 'tom', groups: ['staff'] }

const chosen = (given: Json, user = student) => optionsOf(chooseProfile(profiles, user, given))

function fieldsOf(given: Json, user = student): Readonly<Record<string, string>> | undefined {
  try {
    chooseProfile(profiles, user, given)
  } catch (error) {
    assert.ok(error instanceof HubError)
    assert.equal(error.code, 'profile_refused')
    return error.fields
  }
  return assert.fail('it was taken')
}

describe('a chosen profile', () => {
  it('has a value for everything that is left out', () => {
    assert.deepEqual(chosen({}), { profile: 'small', memory: 1, software: 'new', branch: 'main', gpu: false })
    assert.deepEqual(chosen({}, teacher), { profile: 'large' })
    assert.equal(chosen({ profile: 'small' }, teacher).software, 'old')
  })

  it('may come as the texts of a form', () => {
    const given = { profile: 'small', memory: '2.3', software: 'new', branch: 'dev', gpu: 'on' }

    assert.deepEqual(chosen(given), { ...given, memory: 2.3, gpu: true })
  })

  it('is refused field by field, all at once', () => {
    const fields = fieldsOf({ memory: 5, software: 'old', branch: '../x', gpu: 'maybe', image: 'x' })

    assert.deepEqual(fields, {
      memory: 'At most 4 GB.',
      software: 'Choose one of: new.',
      branch: 'Expected the form [a-z]+',
      gpu: 'Expected true or false.',
      image: 'Small has no such option.',
    })
    assert.deepEqual(fieldsOf({ memory: 1.25 }), { memory: 'Expected steps of 0.1 from 0.5.' })
    assert.deepEqual(fieldsOf({ memory: '' }), { memory: 'Expected a number.' })
    assert.deepEqual(fieldsOf([]), { profile: 'Expected an object with the names of options.' })
  })

  it('is of those that the user is offered; others do not seem to exist', () => {
    const told = (name: string) => fieldsOf({ profile: name })?.profile?.replace(name, 'NAME')

    assert.equal(told('large'), told('nonsense'))
    assert.deepEqual(chosen({ profile: 'large' }, { name: 'eve', groups: [] }), { profile: 'large' })
  })

  it('is refused where none is offered', () => {
    const [, large] = profiles

    assert.throws(() => chooseProfile([large!], student, {}), { code: 'no_profile', status: 403 })
  })

  it('never holds more than what is offered, whatever is given', () => {
    const value = fc.oneof(fc.jsonValue(), fc.constantFrom('old', 'new', 'on', '1', 'main', '__proto__'))
    const name = fc.oneof(fc.constantFrom('profile', 'memory', 'software', 'branch', 'gpu', '__proto__'), fc.string())
    const given = fc.oneof(fc.dictionary(name, value), fc.jsonValue())
    fc.assert(
      fc.property(given, options => {
        let outcome: { [option: string]: Json }
        try {
          outcome = chosen(options as Json)
        } catch (error) {
          assert.ok(error instanceof HubError, String(error))
          return
        }
        const { profile, memory, software, branch, gpu, ...more } = outcome
        assert.deepEqual(more, {})
        assert.equal(profile, 'small')
        assert.ok(typeof memory === 'number' && memory >= 0.5 && memory <= 4)
        assert.equal(software, 'new')
        assert.match(String(branch), /^[a-z]+$/)
        assert.equal(typeof gpu, 'boolean')
      }),
    )
  })
})

describe('offered profiles', () => {
  it('are those for everybody, for a group of the user or for the user', () => {
    const names = (user: typeof student) => offeredProfiles(profiles, user).map(({ name }) => name)

    assert.deepEqual(names(student), ['small'])
    assert.deepEqual(names(teacher), ['small', 'large'])
  })
})
