import type { Refused } from '../../plugin/authenticator.ts'

/** Who may enter, as the section `access` of the config says. Names are normalised, groups are not. */
export interface AccessRules {
  readonly allowedUsers: ReadonlySet<string>
  readonly blockedUsers: ReadonlySet<string>
  readonly adminUsers: ReadonlySet<string>
  readonly allowAll: boolean
  readonly allowExistingUsers: boolean
  readonly allowedGroups: ReadonlySet<string>
  readonly adminGroups: ReadonlySet<string>
}

/** The same as it is written. Absent: empty, false. */
export interface AccessRuleOptions {
  readonly allowedUsers?: Iterable<string>
  readonly blockedUsers?: Iterable<string>
  readonly adminUsers?: Iterable<string>
  readonly allowAll?: boolean
  /** Default: true when `allowedUsers` is not empty, as JupyterHub. */
  readonly allowExistingUsers?: boolean
  readonly allowedGroups?: Iterable<string>
  readonly adminGroups?: Iterable<string>
}

export function accessRules(options: AccessRuleOptions, normalize: (name: string) => string): AccessRules {
  const names = (list: Iterable<string> = []) => new Set([...list].map(normalize))
  const allowedUsers = names(options.allowedUsers)
  return {
    allowedUsers,
    blockedUsers: names(options.blockedUsers),
    adminUsers: names(options.adminUsers),
    allowAll: options.allowAll ?? false,
    allowExistingUsers: options.allowExistingUsers ?? allowedUsers.size > 0,
    allowedGroups: new Set(options.allowedGroups),
    adminGroups: new Set(options.adminGroups),
  }
}

/** Somebody whose identity is proven. */
export interface Applicant {
  readonly name: string
  readonly groups: readonly string[]
  /** The hub knows a user of this name already. */
  readonly exists: boolean
  /** The authenticator vouches for them. */
  readonly vouchedFor: boolean
}

/** Nobody may enter unless a rule allows it, and a block wins over everything. */
export function checkAccess(rules: AccessRules, applicant: Applicant): { allowed: true } | Refused {
  if (rules.blockedUsers.has(applicant.name)) {
    return refuse('user_blocked', `${applicant.name} is blocked here.`)
  }
  const { name, groups } = applicant
  const allowed =
    rules.allowAll ||
    applicant.vouchedFor ||
    rules.allowedUsers.has(name) ||
    rules.adminUsers.has(name) ||
    (rules.allowExistingUsers && applicant.exists) ||
    groups.some(group => rules.allowedGroups.has(group) || rules.adminGroups.has(group))
  return allowed ? { allowed: true } : refuse('not_allowed', missedRules(rules, applicant))
}

/** True when a rule makes an administrator of them; no rule takes that away again. */
export function isAdminByRule(rules: AccessRules, name: string, groups: readonly string[]): boolean {
  return rules.adminUsers.has(name) || groups.some(group => rules.adminGroups.has(group))
}

/** Sentences for the log at start: nobody can sign in, or rules that can never apply. */
export function accessWarnings(options: AccessRuleOptions, authenticator: { vouches: boolean }): string[] {
  const rules = accessRules(options, name => name)
  const anyRule =
    rules.allowAll ||
    rules.allowExistingUsers ||
    authenticator.vouches ||
    [rules.allowedUsers, rules.adminUsers, rules.allowedGroups, rules.adminGroups].some(set => set.size > 0)
  const warnings = anyRule
    ? []
    : ['Nobody may sign in: set access.allowedUsers, allowedGroups, allowExistingUsers or allowAll (and adminUsers).']
  const both = [...rules.blockedUsers].filter(name => rules.allowedUsers.has(name) || rules.adminUsers.has(name))
  if (both.length > 0) warnings.push(`Blocked although named as allowed: ${both.sort().join(', ')}.`)
  return warnings
}

function missedRules(rules: AccessRules, { name, exists }: Applicant): string {
  const missed: string[] = []
  if (rules.allowedUsers.size > 0) missed.push('the name is not among the allowed users')
  const groups = [...rules.allowedGroups, ...rules.adminGroups]
  if (groups.length > 0) missed.push('no group of this user is allowed')
  if (rules.allowExistingUsers && !exists) missed.push('no user of this name exists yet')
  if (missed.length === 0) missed.push('no rule allows anybody yet')
  return `You are known as ${name}, but may not enter: ${missed.join(', and ')}. An administrator can change this.`
}

function refuse(refused: string, message: string): Refused {
  return { refused, message, status: 403, countsAsFailure: false }
}
