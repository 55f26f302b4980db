/** What an authenticator told of a user, at a sign-in or when it looked again, put into the database. */
import type { Clock } from '../../core/runtime.ts'
import { compiledQuery } from '../../db/compiled-query.ts'
import type { Db } from '../../db/database.ts'
import type { Authenticated, Refused } from '../../plugin/authenticator.ts'
import type { UserRecord } from '../../plugin/spawner.ts'
import { syncRoles } from '../roles/sync-roles.ts'
import { setAdmin } from '../users/user-store.ts'
import { type AuthStateDeps, keepAuthState, stateToKeep } from './keep-auth-state.ts'
import { hookRefusal, type SignInHookContext } from './sign-in-hooks.ts'
import { syncGroups } from './sync-groups.ts'

export interface ApplyDeps extends AuthStateDeps {
  readonly clock: Clock
  /** Groups of users are those that the authenticator tells. Else what it tells counts for the access rules alone. */
  readonly manageGroups?: boolean
  /** Roles of users are those that the authenticator tells. Absent: they are not. */
  readonly manageRoles?: {
    /** Never removed, though nobody may hold them: those that the config or the authenticator names at the start. */
    readonly keep: ReadonlySet<string>
  }
}

/** The user as they are afterwards, with the groups that count for the access rules. */
export async function applyProven(
  deps: ApplyDeps,
  user: UserRecord,
  proven: Authenticated,
  context: SignInHookContext,
): Promise<UserRecord | Refused> {
  if (deps.manageGroups && proven.groups === undefined) {
    context.log.error({ user: user.name }, 'access.manageGroups is set, but the authenticator tells no groups')
    return GROUPS_NOT_TOLD
  }
  let state: Awaited<ReturnType<typeof stateToKeep>>
  try {
    state = await stateToKeep(deps, user.id, proven, context)
  } catch (error) {
    return hookRefusal('hooks.reconcileAuthState', error, context.log)
  }
  const updated = await updateUser(deps, user, proven, context)
  await keepAuthState(deps, user.id, state)
  return updated
}

const GROUPS_NOT_TOLD: Refused = {
  refused: 'groups_not_told',
  message: 'Nobody can sign in: the authenticator shall manage groups, but tells none.',
  status: 503,
  countsAsFailure: false,
}

async function updateUser(
  deps: ApplyDeps,
  user: UserRecord,
  proven: Authenticated,
  { log }: SignInHookContext,
): Promise<UserRecord> {
  const { db } = deps.database
  const admin = proven.admin ?? user.admin
  const groups = deps.manageGroups ? proven.groups : undefined
  const roles = deps.manageRoles ? proven.roles : undefined
  const updated = { ...user, admin, groups: proven.groups ?? user.groups }
  if (!groups && !roles && user.admin === admin && (await hasDefaultRoles(db, user))) return updated
  await db.transaction().execute(async tx => {
    await setAdmin(tx, user.id, admin)
    if (groups) await syncGroups(tx, user.id, groups)
    if (roles) await syncRoles(tx, user, roles, { log, keep: deps.manageRoles!.keep }) // roles are there only with it
  })
  return updated
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
