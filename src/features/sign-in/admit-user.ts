import { HubError } from '../../core/errors.ts'
import type { Clock } from '../../core/runtime.ts'
import { compiledQuery } from '../../db/compiled-query.ts'
import type { Database, Db } from '../../db/database.ts'
import type { Authenticated, Authenticator, Refused } from '../../plugin/authenticator.ts'
import type { UserRecord } from '../../plugin/spawner.ts'
import { createUser, deleteUser, findUser, setAdmin } from '../users/user-store.ts'
import { type AccessRules, checkAccess, isAdminByRule } from './access-rules.ts'
import { type AuthStateRules, keepAuthState } from './keep-auth-state.ts'
import { syncGroups } from './sync-groups.ts'

export interface AdmitDeps {
  readonly database: Pick<Database, 'db'>
  readonly rules: AccessRules
  readonly authenticator: Pick<Authenticator, 'userAdded'>
  readonly clock: Clock
  /** Absent: none is kept, and what was kept is forgotten. */
  readonly authState?: AuthStateRules
}

/**
 * Lets a proven identity in, or not: access rules, then the user's row as JupyterHub keeps it (made at the first
 * sign-in), the admin flag with its role, and the groups where the authenticator manages them.
 */
export async function admitUser(deps: AdmitDeps, proven: Authenticated): Promise<{ user: UserRecord } | Refused> {
  const known = await findUser(deps.database.db, proven.name)
  const groups = proven.groups ?? known?.groups ?? []
  const verdict = checkAccess(deps.rules, {
    name: proven.name,
    groups,
    exists: known !== undefined,
    vouchedFor: proven.allowed ?? false,
  })
  if ('refused' in verdict) return verdict
  const user = known ?? (await addUser(deps, proven.name))
  if ('refused' in user) return user
  const updated = await updateUser(deps, user, proven, groups)
  await keepAuthState(deps, user.id, proven)
  return { user: updated }
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

async function updateUser(
  deps: AdmitDeps,
  user: UserRecord,
  proven: Authenticated,
  groups: readonly string[],
): Promise<UserRecord> {
  const admin = proven.admin ?? (isAdminByRule(deps.rules, user.name, groups) || user.admin)
  const { db } = deps.database
  if (!proven.groups && user.admin === admin && (await hasDefaultRoles(db, user))) return { ...user, groups }
  await db.transaction().execute(async tx => {
    await setAdmin(tx, user.id, admin)
    if (proven.groups) await syncGroups(tx, user.id, proven.groups)
  })
  return { ...user, admin, groups }
}

/** A user that JupyterHub 1 made may lack them. */
async function hasDefaultRoles(db: Db, user: UserRecord): Promise<boolean> {
  const roles = new Set((await rolesOfUser(db, user.id)).map(role => role.name))
  return roles.has('user') && roles.has('admin') === user.admin
}

const rolesOfUser = compiledQuery((db, userId: number) =>
  db
    .selectFrom('user_role_map')
    .innerJoin('roles', 'roles.id', 'user_role_map.role_id')
    .select('roles.name')
    .where('user_role_map.user_id', '=', userId),
)
