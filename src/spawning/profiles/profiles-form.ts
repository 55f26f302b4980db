/** Profiles as the form before a start. Fields carry the name of their profile, since all profiles are sent along. */
import type { Profile, ProfileOption } from '../../config/profiles-option.ts'
import type { Json } from '../../core/runtime.ts'
import type {
  FormFields,
  OptionsForm,
  ProfileCard,
  ProfileCards,
  ProfileField,
  UserRecord,
} from '../../plugin/spawner.ts'
import { defaultOf, offeredChoices, offeredProfiles, type Value } from './choose-profile.ts'

/** `last` is what was chosen the last time, however old. Undefined where there is nothing to choose. */
export function profilesForm(
  profiles: readonly Profile[],
  user: UserRecord,
  last: Json | undefined,
): OptionsForm | undefined {
  const offered = offeredProfiles(profiles, user)
  const [only] = offered
  if (only && offered.length === 1 && Object.keys(only.options).length === 0) return undefined
  return { html: '', profiles: cards, parse: parseForm }

  function cards(refused?: Parameters<ProfileCards>[0]): readonly ProfileCard[] {
    const entered = refused ? parseForm(refused.form) : isRecord(last) ? last : {}
    const preset = offered.find(profile => profile.default) ?? only
    const chosen = offered.find(profile => profile.name === entered.profile) ?? preset
    return offered.map(profile => ({
      name: profile.name,
      label: profile.label,
      description: profile.description,
      isChosen: profile === chosen,
      fields: Object.entries(profile.options).map(([name, option]) => {
        const before = profile === chosen ? entered[name] : undefined
        const fault = profile === chosen ? refused?.fields[name] : undefined
        return {
          ...fieldOf(option, user, before),
          name: `${profile.name}.${name}`,
          ...(fault !== undefined && { fault }),
        }
      }),
    }))
  }
}

/** An address may name a profile too, and its options without the name of it: `/hub/spawn?opt-profile=small`. */
function parseForm(form: FormFields): { [option: string]: Json } {
  const { profile: [name] = [], ...rest } = form
  const options: { [option: string]: Json } = name === undefined ? {} : { profile: name }
  for (const [field, values] of Object.entries(rest)) {
    const [owner, option] = field.includes('.') ? field.split('.', 2) : [name, field]
    // A switch is sent as `off`, and then as `on` where it is ticked.
    if (owner === name && option !== undefined) options[option] = values.at(-1) ?? ''
  }
  return options
}

function fieldOf(option: ProfileOption, user: UserRecord, before: Json | undefined): Omit<ProfileField, 'name'> {
  const { type, label, description } = option
  const facts = { type, label, description }
  const value = isValue(before) ? before : (defaultOf(option, user) ?? '')
  switch (option.type) {
    case 'choice': {
      const choices = offeredChoices(option, user).map(([name, choice]) => ({
        name,
        label: choice.label,
        description: choice.description,
      }))
      return { ...facts, value: String(value), choices }
    }
    case 'number': {
      const { min, max, step, unit = '' } = option
      return { ...facts, value: String(value), number: { min, max, step, unit: unit && `${unit}B` } }
    }
    case 'text': {
      const { pattern, maxLength } = option
      return { ...facts, value: String(value), text: { maxLength, ...(pattern !== undefined && { pattern }) } }
    }
    case 'switch':
      return { ...facts, value: value === true || value === 'on' || value === 'true' ? 'on' : '' }
  }
}

function isRecord(value: Json | undefined): value is { [option: string]: Json } {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

function isValue(value: Json | undefined): value is Value {
  return typeof value === 'string' || typeof value === 'number' || typeof value === 'boolean'
}
