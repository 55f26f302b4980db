/** Which profile a start is of, and with which values: checked against what this user is offered. */
import type { Audience, Choice, Profile, ProfileOption } from '../../config/profiles-option.ts'
import { HubError } from '../../core/errors.ts'
import type { Json } from '../../core/runtime.ts'
import type { UserRecord } from '../../plugin/spawner.ts'

export type Value = string | number | boolean

export interface ChosenProfile {
  readonly profile: Profile
  /** One for each option of the profile. */
  readonly values: Readonly<Record<string, Value>>
}

type Member = Pick<UserRecord, 'name' | 'groups'>

export function offeredProfiles(profiles: readonly Profile[], user: Member): readonly Profile[] {
  return profiles.filter(profile => isFor(profile, user))
}

/** The choices of an option that this user is offered, in the order of the config. */
export function offeredChoices(
  option: ProfileOption & { type: 'choice' },
  user: Member,
): readonly (readonly [name: string, choice: Choice])[] {
  return Object.entries(option.choices).filter(([, choice]) => isFor(choice, user))
}

/**
 * `given` is what came by form or API: `{"profile": "small", "memory": 4}`, the form of KubeSpawner's profiles. What is
 * left out has its default; texts stand for numbers and switches too, as forms send them. Throws HubError
 * `no_profile` (403) where nothing is offered, `profile_refused` (400) with all `fields` that are wrong.
 */
export function chooseProfile(profiles: readonly Profile[], user: Member, given: Json): ChosenProfile {
  if (typeof given !== 'object' || given === null || Array.isArray(given)) {
    throw refused({ profile: 'Expected an object with the names of options.' })
  }
  const { profile: name, ...rest } = given
  const profile = findProfile(offeredProfiles(profiles, user), name)
  const faults: Record<string, string> = {}
  for (const option of Object.keys(rest)) {
    if (!Object.hasOwn(profile.options, option)) faults[option] = `${profile.label} has no such option.`
  }
  const values: Record<string, Value> = {}
  for (const [option, rule] of Object.entries(profile.options)) {
    const checked = checkValue(rule, Object.hasOwn(rest, option) ? rest[option] : undefined, user)
    if ('fault' in checked) faults[option] = checked.fault
    else values[option] = checked.value
  }
  if (Object.keys(faults).length > 0) throw refused(faults)
  return { profile, values }
}

/** As it is kept in `user_options`. */
export function optionsOf({ profile, values }: ChosenProfile): { [option: string]: Json } {
  return { profile: profile.name, ...values }
}

/** The value an option has when nothing is chosen; undefined for a choice of which nothing is offered. */
export function defaultOf(option: ProfileOption, user: Member): Value | undefined {
  if (option.type !== 'choice') return option.default
  const offered = offeredChoices(option, user).map(([name]) => name)
  return option.default !== undefined && offered.includes(option.default) ? option.default : offered[0]
}

function isFor({ groups, users }: Audience, user: Member): boolean {
  if (groups === undefined && users === undefined) return true
  return (users?.includes(user.name) ?? false) || (groups?.some(group => user.groups.includes(group)) ?? false)
}

function findProfile(offered: readonly Profile[], name: Json | undefined): Profile {
  const preset = offered.find(profile => profile.default) ?? offered[0]
  if (!preset) {
    throw new HubError('no_profile', {
      status: 403,
      message: 'No kind of server is open to this user.',
      nextStep: 'Ask your administrator for the group that you need.',
    })
  }
  if (name === undefined) return preset
  const found = offered.find(profile => profile.name === name)
  // The same words for one that others are offered: what is hidden stays so.
  if (!found)
    throw refused({
      profile: `There is no ${textOf(name)}. Choose one of: ${offered.map(({ name: each }) => each).join(', ')}.`,
    })
  return found
}

type Checked = { value: Value } | { fault: string }

function checkValue(option: ProfileOption, given: Json | undefined, user: Member): Checked {
  const value = given ?? defaultOf(option, user)
  switch (option.type) {
    case 'choice':
      return checkChoice(offeredChoices(option, user), value)
    case 'number':
      return checkNumber(option, value)
    case 'text':
      return checkText(option, value)
    case 'switch':
      return checkSwitch(value)
  }
}

function checkChoice(offered: readonly (readonly [name: string, choice: Choice])[], value: Json | undefined): Checked {
  const names = offered.map(([name]) => name)
  if (names.length === 0) return { fault: 'Nothing here is open to this user.' }
  if (typeof value === 'string' && names.includes(value)) return { value }
  return { fault: `Choose one of: ${names.join(', ')}.` }
}

function checkNumber({ min, max, step, unit }: ProfileOption & { type: 'number' }, value: Json | undefined): Checked {
  const words = unit === undefined ? '' : ` ${unit}B`
  const number = typeof value === 'string' && value.trim() !== '' ? Number(value) : value
  if (typeof number !== 'number' || !Number.isFinite(number)) return { fault: 'Expected a number.' }
  if (number < min) return { fault: `At least ${min}${words}.` }
  if (number > max) return { fault: `At most ${max}${words}.` }
  const steps = (number - min) / step
  // Steps of 0.1 are not exact in binary.
  if (Math.abs(steps - Math.round(steps)) > 1e-6) return { fault: `Expected steps of ${step} from ${min}.` }
  return { value: number }
}

function checkText({ pattern, maxLength }: ProfileOption & { type: 'text' }, value: Json | undefined): Checked {
  if (typeof value !== 'string') return { fault: 'Expected a text.' }
  if (value.length > maxLength) return { fault: `At most ${maxLength} characters.` }
  // biome-ignore lint/suspicious/noControlCharactersInRegex: they are what is looked for
  if (/[\u0000-\u001f\u007f]/.test(value)) return { fault: 'Control characters are not allowed.' }
  if (pattern !== undefined && !new RegExp(`^(?:${pattern})$`, 'v').test(value)) {
    return { fault: `Expected the form ${pattern}` }
  }
  return { value }
}

function checkSwitch(value: Json | undefined): Checked {
  if (typeof value === 'boolean') return { value }
  if (value === 'on' || value === 'true') return { value: true }
  if (value === 'off' || value === 'false') return { value: false }
  return { fault: 'Expected true or false.' }
}

function refused(fields: Record<string, string>): HubError {
  const [[name, fault] = ['', ''], ...more] = Object.entries(fields)
  return new HubError('profile_refused', {
    status: 400,
    message: `${name}: ${fault}${more.length > 0 ? ` (and ${more.length} more)` : ''}`,
    nextStep: 'Correct what is marked, and start again.',
    fields,
  })
}

function textOf(value: Json): string {
  return typeof value === 'string' ? value.slice(0, 80) : 'such profile'
}
