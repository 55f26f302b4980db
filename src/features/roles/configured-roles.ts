import { ensureDefaultRoles, grantRole } from '../../access/role-grants.ts'
import { HubError } from '../../core/errors.ts'
import { isValidRoleName, printable } from '../../core/names.ts'
import type { Clock, Logger } from '../../core/runtime.ts'
import { defaultRoles, type RoleDefinition } from '../../core/scopes/default-roles.ts'
import { type ScopeDefinitions, scopeDefinitions } from '../../core/scopes/definitions.ts'
import { unknownScopes } from '../../core/scopes/expand.ts'
import { configuredNames, rememberConfiguredNames } from '../../db/configured-names.ts'
import type { Database, Db } from '../../db/database.ts'
import { createGroup, findGroup } from '../groups/store.ts'
import { ensureUser } from '../users/ensure-user.ts'
import type { UserNames } from '../users/user-names.ts'
import { HOLDER_TABLES, type HolderKind } from './holders.ts'
import { keepOnlyRoles, putRole, removeRoles } from './store.ts'

/** A role of the configuration: JupyterHub's `load_roles`. */
export interface ConfiguredRole {
  readonly name: string
  readonly description?: string | undefined
  readonly scopes?: readonly string[] | undefined
  /** Absent: whoever holds it keeps it. */
  readonly users?: readonly string[] | undefined
  readonly groups?: readonly string[] | undefined
  readonly services?: readonly string[] | undefined
}

export interface ConfiguredRolesDeps {
  readonly database: Pick<Database, 'db'>
  readonly names: UserNames
  readonly clock: Clock
  readonly log: Logger
  /** They stay administrators, also where the role `admin` lists its users. */
  readonly adminUsers?: Iterable<string>
  /** With the custom scopes of the site. */
  readonly scopeDefinitions?: ScopeDefinitions
  /** Added to the default scopes of the role `user`: JupyterHub's `extra_user_scopes`. */
  readonly extraUserScopes?: readonly string[]
}

/**
 * Brings the roles into line with the configuration when the hub starts. As in JupyterHub, a role that is no longer
 * configured vanishes, the role `admin` keeps its scopes, a list of holders is the whole list, and users and groups in
 * it are made where they are missing. Without `configured` only those vanish that a former config of Orrery had, so
 * that a database that was taken over keeps its roles. Throws HubError `config_invalid`.
 */
export async function applyConfiguredRoles(
  deps: ConfiguredRolesDeps,
  configured: readonly ConfiguredRole[] | undefined,
): Promise<void> {
  const { database, log } = deps
  for (const role of configured ?? []) checkRole(role, deps.scopeDefinitions ?? scopeDefinitions)
  warnOfUserRole(deps, configured ?? [])
  const defaults = defaultRolesWith(deps.extraUserScopes ?? [])
  await database.db.transaction().execute(async tx => {
    await ensureDefaultRoles(tx)
    const former = await configuredNames(tx, 'roles')
    for (const role of configured ?? []) await applyRole(tx, role, defaults, deps)
    const kept = [...defaultRoles, ...(configured ?? [])].map(role => role.name)
    const gone = former.filter(name => !kept.includes(name))
    const removed = configured ? await keepOnlyRoles(tx, kept) : await removeRoles(tx, gone)
    for (const role of removed) log.warn({ role }, 'role removed, it is no longer configured')
    // With scopes of its own from the config, the role `user` is one that the config has made.
    const changed = [...(configured ?? []).map(role => role.name), ...(deps.extraUserScopes?.length ? ['user'] : [])]
    await restoreDefaults(tx, defaults, configured ?? [], configured ? undefined : [...former, ...changed])
    await rememberConfiguredNames(tx, 'roles', [...new Set(changed)])
  })
}

/** A default role that the config had changed and no longer names is as it was. `only` limits this to some. */
async function restoreDefaults(
  tx: Db,
  defaults: readonly RoleDefinition[],
  configured: readonly ConfiguredRole[],
  only: readonly string[] | undefined,
): Promise<void> {
  for (const role of defaults) {
    if (configured.some(({ name }) => name === role.name) || (only && !only.includes(role.name))) continue
    await putRole(tx, role)
  }
}

async function applyRole(
  tx: Db,
  role: ConfiguredRole,
  defaults: readonly RoleDefinition[],
  deps: ConfiguredRolesDeps,
): Promise<void> {
  const standard = defaults.find(({ name }) => name === role.name)
  const scopes = role.scopes ?? standard?.scopes ?? []
  const id = await putRole(tx, {
    name: role.name,
    description: role.description ?? standard?.description ?? '',
    scopes,
  })
  for (const kind of ['user', 'group', 'service'] as const) {
    if (role[`${kind}s`]) await setHolders(tx, role.name, id, kind, await holdersOf(tx, kind, role, deps))
  }
}

/** Ids of those that a role lists; users and groups are made where they are missing. Throws `config_invalid`. */
export function holdersOf(
  tx: Db,
  kind: HolderKind,
  role: ConfiguredRole,
  deps: ConfiguredRolesDeps,
): Promise<number[]> {
  if (kind === 'user') return usersOf(tx, role, deps)
  return kind === 'group' ? groupsOf(tx, role.groups ?? []) : servicesOf(tx, role)
}

const MAPS = { user: 'user_role_map', group: 'group_role_map', service: 'service_role_map' } as const

async function setHolders(
  tx: Db,
  role: string,
  roleId: number,
  kind: HolderKind,
  ids: readonly number[],
): Promise<void> {
  await tx.deleteFrom(MAPS[kind]).where('role_id', '=', roleId).where('managed_by_auth', '=', false).execute()
  for (const id of ids) await grantRole(tx, { kind, id }, role)
  // The flag goes with the role, for users and services alike.
  if (role !== 'admin' || kind === 'group') return
  const table = HOLDER_TABLES[kind]
  await tx.updateTable(table).set({ admin: false }).where('admin', '=', true).execute()
  if (ids.length > 0) {
    await tx
      .updateTable(table)
      .set({ admin: true })
      .where('id', 'in', [...ids])
      .execute()
  }
}

async function usersOf(tx: Db, role: ConfiguredRole, deps: ConfiguredRolesDeps): Promise<number[]> {
  const named = [...(role.users ?? []), ...(role.name === 'admin' ? (deps.adminUsers ?? []) : [])]
  const ids = new Set<number>()
  for (const name of named) ids.add((await ensureUser(tx, deps, name, `roles: ${role.name}`)).id)
  return [...ids]
}

async function groupsOf(tx: Db, names: readonly string[]): Promise<number[]> {
  const groups = []
  for (const name of names) groups.push((await findGroup(tx, name)) ?? (await createGroup(tx, name)))
  return groups.flatMap(group => (group ? [group.id] : []))
}

/** Services cannot be made by naming them. */
async function servicesOf(tx: Db, role: ConfiguredRole): Promise<number[]> {
  const names = [...(role.services ?? [])]
  if (names.length === 0) return []
  const rows = await tx.selectFrom('services').select(['id', 'name']).where('name', 'in', names).execute()
  const missing = names.filter(name => !rows.some(row => row.name === name))
  if (missing.length > 0) throw invalid(`${role.name} names services that do not exist: ${missing.map(printable)}`)
  return rows.map(row => row.id)
}

function defaultRolesWith(extraUserScopes: readonly string[]): RoleDefinition[] {
  return defaultRoles.map(role =>
    role.name === 'user' ? { ...role, scopes: [...new Set([...role.scopes, ...extraUserScopes])] } : role,
  )
}

/** JupyterHub's warnings about a role `user` that the config overrides. */
function warnOfUserRole({ log, extraUserScopes = [] }: ConfiguredRolesDeps, configured: readonly ConfiguredRole[]) {
  const scopes = configured.find(({ name }) => name === 'user')?.scopes
  if (!scopes) return
  if (extraUserScopes.length > 0)
    log.warn({ scopes, extraUserScopes }, 'extraUserScopes has no effect: roles gives user its scopes')
  if (!scopes.includes('self')) log.warn({ scopes }, 'role user lacks self, so that users may not use what is theirs')
}

function checkRole(role: ConfiguredRole, definitions: ScopeDefinitions): void {
  if (!isValidRoleName(role.name)) {
    throw invalid(`"${role.name}" is no role name: 3 to 255 of a-z, 0-9 and -_~., a letter first, no sign last`)
  }
  if (role.name === 'admin' && role.scopes) throw invalid('the scopes of the role admin cannot be changed')
  const [unknown] = unknownScopes(role.scopes ?? [], definitions)
  if (unknown !== undefined) throw invalid(`${role.name} names an unknown scope "${unknown}"`)
}

function invalid(what: string): HubError {
  return new HubError('config_invalid', { status: 500, message: `roles: ${what}` })
}
