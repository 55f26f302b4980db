/** How people prove who they are, as it is written in a config. `app/` makes the authenticator out of it. */
import { z } from 'zod'
import type { Authenticator } from '../plugin/authenticator.ts'
import { option } from './option.ts'
import { secretText } from './values.ts'

export const ownAccountsOptions = z.strictObject({
  kind: z.literal('own-accounts'),
  signUp: option(
    z.enum(['open', 'approval', 'closed']).default('approval'),
    'Who asks for an account at /hub/signup may sign in at once, once an administrator approves, or cannot ask.',
    'closed',
  ),
  minimumPasswordLength: option(z.int().min(1).max(128).default(8), 'Shortest password, in characters.', 12),
  checkCommonPasswords: option(z.boolean().default(true), 'Refuse passwords that everybody tries first.', true),
  askEmail: option(z.boolean().default(false), 'The sign-up page asks for an e-mail address.', true),
})

export const pamOptions = z.strictObject({
  kind: z.literal('pam'),
  service: option(
    z
      .string()
      .regex(/^[\w.-]+$/)
      .default('login'),
    'Name of the PAM service, a file in /etc/pam.d.',
    'sshd',
  ),
  checkAccount: option(
    z.boolean().default(true),
    'Ask PAM also whether the account may log in now (expired, locked).',
    true,
  ),
  openSessions: option(z.boolean().default(false), 'Open a PAM session around each server.', true),
  manageGroups: option(
    z.boolean().default(false),
    "A user's groups in the hub become those of Linux at each sign-in.",
    true,
  ),
})

export const dummyOptions = z.strictObject({
  kind: z.literal('dummy'),
  password: option(
    secretText.optional(),
    'One password for everybody; left out, any will do. For trials only.',
    'orbit',
    {
      secret: true,
    },
  ),
})

export const sharedPasswordOptions = z.strictObject({
  kind: z.literal('shared-password'),
  userPassword: option(
    secretText.refine(text => text.length >= 8, { error: 'expected 8 characters or more' }),
    'The password that everybody shares, 8 characters or more.',
    { file: '/etc/orrery/user-password' },
    { secret: true },
  ),
  adminPassword: option(
    secretText.refine(text => text.length >= 32, { error: 'expected 32 characters or more' }).optional(),
    'The password that administrators share, 32 characters or more.',
    { file: '/etc/orrery/admin-password' },
    { secret: true },
  ),
})

export const nobodyOptions = z.strictObject({ kind: z.literal('nobody') })

export const describedAuthenticator = z.discriminatedUnion('kind', [
  ownAccountsOptions,
  pamOptions,
  dummyOptions,
  sharedPasswordOptions,
  nobodyOptions,
])

/** One of the above, or an object of the site's own that implements `Authenticator`. */
export const authenticatorOption = z.union([
  z.custom<Authenticator>(isAuthenticator, { error: 'expected pam(), ownAccounts() ... or an Authenticator' }),
  describedAuthenticator,
])

export type DescribedAuthenticator = z.output<typeof describedAuthenticator>

type Options<Schema extends z.ZodType> = Omit<z.input<Schema>, 'kind'>
type Tagged<Schema extends z.ZodType> = z.input<Schema>

/** Accounts that Orrery keeps itself: sign-up, approval, passwords. The default. */
export function ownAccounts(options: Options<typeof ownAccountsOptions> = {}): Tagged<typeof ownAccountsOptions> {
  return { kind: 'own-accounts', ...options }
}

/** The Linux accounts of the machine, through PAM. */
export function pam(options: Options<typeof pamOptions> = {}): Tagged<typeof pamOptions> {
  return { kind: 'pam', ...options }
}

/** Lets everybody in under any name: for trials. */
export function dummy(options: Options<typeof dummyOptions> = {}): Tagged<typeof dummyOptions> {
  return { kind: 'dummy', ...options }
}

/** One password for all users, another for administrators: for a workshop. */
export function sharedPassword(options: Options<typeof sharedPasswordOptions>): Tagged<typeof sharedPasswordOptions> {
  return { kind: 'shared-password', ...options }
}

/** Nobody signs in: for a hub that programs use with tokens. */
export function nobody(): Tagged<typeof nobodyOptions> {
  return { kind: 'nobody' }
}

function isAuthenticator(value: unknown): boolean {
  if (typeof value !== 'object' || value === null || 'kind' in value) return false
  return 'name' in value && typeof value.name === 'string' && 'login' in value && typeof value.login === 'object'
}
