/** `servers.profiles`: the kinds of servers that people choose from, and what they may set of them. */
import { z } from 'zod'
import { serverOverrides } from './server-overrides.ts'
import { nameList } from './values.ts'

/** Stands in forms, in `user_options` and in addresses. */
const profileName = z
  .string()
  .regex(/^[a-z0-9][a-z0-9_-]{0,62}$/, { error: 'expected a short name of a-z, 0-9, - and _' })

const GOES_SOMEWHERE = { error: 'expected either setting or variable, for what is chosen' }

/** Whom something is shown to; everybody when both are left out. */
const audience = { groups: nameList.optional(), users: nameList.optional() }

const words = { label: z.string().min(1), description: z.string().default('') }

const choice = z.strictObject({ ...words, ...audience, servers: serverOverrides.prefault({}) })

const choiceOption = z
  .strictObject({
    type: z.literal('choice'),
    ...words,
    choices: z
      .record(profileName, choice)
      .refine(choices => Object.keys(choices).length > 0, { error: 'expected at least one' }),
    default: z.string().optional(),
  })
  .refine(({ choices, default: name }) => name === undefined || Object.hasOwn(choices, name), {
    error: 'expected the name of one of the choices',
    path: ['default'],
  })

/** Settings that are bytes. */
const SIZES = ['memLimit', 'memGuarantee', 'fileSizeLimit'] as const

const numberOption = z
  .strictObject({
    type: z.literal('number'),
    ...words,
    min: z.number(),
    max: z.number(),
    step: z.number().positive().default(1),
    default: z.number(),
    unit: z.enum(['K', 'M', 'G', 'T']).optional(),
    setting: z.enum([...SIZES, 'cpuLimit', 'cpuGuarantee', 'taskLimit']).optional(),
    variable: variableName().optional(),
  })
  .refine(({ min, max, default: value }) => min <= value && value <= max, {
    error: 'expected a number from min to max',
    path: ['default'],
  })
  .refine(goesSomewhere, GOES_SOMEWHERE)
  .refine(({ setting, unit }) => unit === undefined || SIZES.some(size => size === setting), {
    error: 'is for sizes of memory and files only',
    path: ['unit'],
  })

const textOption = z
  .strictObject({
    type: z.literal('text'),
    ...words,
    pattern: z
      .string()
      .refine(isPattern, {
        error: 'expected a regular expression as browsers read it (flag v: write a hyphen in brackets as \\-)',
      })
      .optional(),
    maxLength: z.int().min(1).max(4096).default(200),
    default: z.string().default(''),
    setting: z.enum(['defaultUrl', 'notebookDir']).optional(),
    variable: variableName().optional(),
  })
  .refine(goesSomewhere, GOES_SOMEWHERE)
  .refine(({ setting, pattern }) => setting === undefined || pattern !== undefined, {
    error: 'expected one, so that nobody chooses another path than those meant',
    path: ['pattern'],
  })

const switchOption = z.strictObject({
  type: z.literal('switch'),
  ...words,
  default: z.boolean().default(false),
  servers: serverOverrides.prefault({}),
})

const profile = z.strictObject({
  name: profileName,
  ...words,
  default: z.boolean().default(false),
  ...audience,
  servers: serverOverrides.prefault({}),
  options: z
    .record(
      profileName.refine(name => name !== 'profile', { error: 'expected another name' }),
      z.discriminatedUnion('type', [choiceOption, numberOption, textOption, switchOption]),
    )
    .default({}),
})

export const profileList = z.array(profile).superRefine((profiles, context) => {
  const names = profiles.map(({ name }) => name)
  for (const [index, name] of names.entries()) {
    if (names.indexOf(name) === index) continue
    context.addIssue({ code: 'custom', path: [index, 'name'], message: 'expected a name of its own', input: name })
  }
})

export type Profile = z.output<typeof profile>
export type ProfileOption = Profile['options'][string]
export type Choice = z.output<typeof choice>
/** Of a profile or a choice. */
export type Audience = Pick<Profile, 'groups' | 'users'>

function variableName() {
  return z.string().regex(/^[A-Za-z_]\w*$/, { error: 'expected the name of a variable' })
}

function goesSomewhere({ setting, variable }: { setting?: unknown; variable?: unknown }): boolean {
  return (setting === undefined) !== (variable === undefined)
}

/** As browsers read the attribute `pattern`. */
function isPattern(text: string): boolean {
  try {
    new RegExp(`^(?:${text})$`, 'v')
    return true
  } catch {
    return false
  }
}
