import { HubError } from '../../core/errors.ts'
import type { Authenticated, Authenticator, Refused } from '../../plugin/authenticator.ts'
import type { UserRecord } from '../../plugin/spawner.ts'
import type { UserNames } from '../users/user-names.ts'
import { createUser, deleteUser, findUser } from '../users/user-store.ts'
import { type AccessRules, checkAccess, isAdminByRule } from './access-rules.ts'
import { type ApplyDeps, applyProven } from './apply-proven.ts'
import { hookRefusal, runPostAuth, type SignInHookContext } from './sign-in-hooks.ts'

export interface AdmitDeps extends ApplyDeps {
  readonly rules: AccessRules
  readonly authenticator: Pick<Authenticator, 'userAdded'>
  readonly names: UserNames
}

/**
 * Lets a proven identity in, or not: access rules, the site's own word, then the user's row as JupyterHub keeps it (made
 * at the first sign-in) with all that the authenticator told.
 */
export async function admitUser(
  deps: AdmitDeps,
  proven: Authenticated,
  context: SignInHookContext,
): Promise<{ user: UserRecord } | Refused> {
  const known = await findUser(deps.database.db, proven.name)
  const groups = proven.groups ?? known?.groups ?? []
  const verdict = checkAccess(deps.rules, {
    name: proven.name,
    groups,
    exists: known !== undefined,
    vouchedFor: proven.allowed ?? false,
  })
  if ('refused' in verdict) return verdict
  // No rule takes the flag away, only the word of the authenticator does.
  const byRule = proven.admin === undefined && isAdminByRule(deps.rules, proven.name, groups)
  const told = await runPostAuth(deps.hooks ?? {}, { ...proven, ...(byRule && { admin: true }) }, context)
  if ('refused' in told) return told
  return enter(deps, told.name === proven.name ? known : undefined, told, context)
}

async function enter(
  deps: AdmitDeps,
  known: UserRecord | undefined,
  proven: Authenticated,
  context: SignInHookContext,
): Promise<{ user: UserRecord } | Refused> {
  const invalid = new TypeError('hooks.postAuth returned a name that no user can have')
  if (!deps.names.isValid(proven.name)) return hookRefusal('hooks.postAuth', invalid, context.log)
  const user = known ?? (await findUser(deps.database.db, proven.name)) ?? (await addUser(deps, proven.name))
  if ('refused' in user) return user
  const applied = await applyProven(deps, user, proven, context)
  return 'refused' in applied ? applied : { user: applied }
}

async function addUser(deps: AdmitDeps, name: string): Promise<UserRecord | Refused> {
  const { db } = deps.database
  const user = await db
    .transaction()
    .execute(tx => createUser(tx, { name }, deps.clock.now()))
    .catch(error => madeMeanwhile(deps, name, error))
  try {
    // Not within the transaction: making an account of the operating system takes its time.
    await deps.authenticator.userAdded?.(user)
    return user
  } catch (error) {
    await db.transaction().execute(tx => deleteUser(tx, user.id))
    if (!(error instanceof HubError)) throw error
    return { refused: error.code, message: error.message, status: 403, countsAsFailure: false }
  }
}

/** Two first sign-ins of one name at once: the second finds what the first made. */
async function madeMeanwhile(deps: AdmitDeps, name: string, error: unknown): Promise<UserRecord> {
  const user = await findUser(deps.database.db, name)
  if (!user) throw error
  return user
}
