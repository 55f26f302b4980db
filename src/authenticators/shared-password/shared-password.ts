import { HubError } from '../../core/errors.ts'
import { sameText } from '../../core/same-text.ts'
import type { Authenticated, Authenticator, Refused } from '../../plugin/authenticator.ts'

export interface SharedPasswordOptions {
  /** For everybody who is no administrator; 8 characters or more. Absent: they cannot sign in. */
  readonly userPassword?: string | undefined
  /** For those in `adminUsers`; 32 characters or more, not the same. Absent: administrators cannot sign in. */
  readonly adminPassword?: string | undefined
  /** Names of administrators in lower case: `access.adminUsers` of the config. */
  readonly adminUsers?: Iterable<string>
  /** More passwords, and the groups that their users become members of. Given, it manages the groups of all users. */
  readonly passwordGroups?: Readonly<Record<string, readonly string[]>>
}

const MIN_USER_LENGTH = 8
const MIN_ADMIN_LENGTH = 32

/**
 * One password that all share, for a workshop; what JupyterHub's SharedPasswordAuthenticator does. Anybody who knows
 * it can sign in as any user but an administrator. Throws HubError `shared_password_invalid`, naming all faults.
 */
export function sharedPassword(options: SharedPasswordOptions): Authenticator {
  const faults = faultsOf(options)
  if (faults.length > 0) {
    throw new HubError('shared_password_invalid', { status: 500, message: faults.join(' ') })
  }
  const admins = new Set(options.adminUsers)
  return {
    name: 'shared-password',
    login: { kind: 'form' },
    authenticate: async ({ form }) => proof(options, admins, form) ?? WRONG,
  }
}

function proof(
  { userPassword, adminPassword, passwordGroups }: SharedPasswordOptions,
  admins: ReadonlySet<string>,
  form: Readonly<Record<string, string>>,
): Authenticated | undefined {
  const name = (form.username ?? '').trim().toLowerCase()
  const password = form.password ?? ''
  const noGroups = passwordGroups ? { groups: [] } : {}
  // All are compared each time, so that time does not tell which names are administrators'.
  const isAdminPassword = adminPassword !== undefined && sameText(password, adminPassword)
  const isUserPassword = userPassword !== undefined && sameText(password, userPassword)
  const match = Object.entries(passwordGroups ?? {}).filter(([shared]) => sameText(password, shared))[0]
  if (name === '') return undefined
  if (admins.has(name)) return isAdminPassword ? { name, admin: true, ...noGroups } : undefined
  // Never an administrator, whatever the database says.
  if (isUserPassword) return { name, admin: false, ...noGroups }
  return match && { name, admin: false, groups: match[1] }
}

function faultsOf({ userPassword, adminPassword, passwordGroups = {} }: SharedPasswordOptions): string[] {
  const shared = [userPassword, ...Object.keys(passwordGroups)].filter(password => password !== undefined)
  const faults: string[] = []
  if (shared.some(password => [...password].length < MIN_USER_LENGTH)) {
    faults.push(`Shared passwords need at least ${MIN_USER_LENGTH} characters.`)
  }
  if (adminPassword !== undefined && [...adminPassword].length < MIN_ADMIN_LENGTH) {
    faults.push(`The password of administrators needs at least ${MIN_ADMIN_LENGTH} characters.`)
  }
  if (adminPassword !== undefined && shared.includes(adminPassword)) {
    faults.push('Administrators and users must not share one password.')
  }
  if (shared.length === 0 && adminPassword === undefined) faults.push('Without any password nobody can sign in.')
  return faults
}

const WRONG: Refused = { refused: 'wrong_credentials', message: 'Name or password is wrong.', status: 401 }
