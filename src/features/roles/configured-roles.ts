import { ensureDefaultRoles, grantRole } from '../../access/role-grants.ts'
import { HubError } from '../../core/errors.ts'
import type { Logger } from '../../core/runtime.ts'
import { defaultRoles } from '../../core/scopes/default-roles.ts'
import { type ScopeDefinitions, scopeDefinitions } from '../../core/scopes/definitions.ts'
import { unknownScopes } from '../../core/scopes/expand.ts'
import type { Database, Db } from '../../db/database.ts'
import { keepOnlyRoles, putRole } from './store.ts'

/** A role of the configuration: JupyterHub's `load_roles`. */
export interface ConfiguredRole {
  readonly name: string
  readonly description?: string
  readonly scopes?: readonly string[]
  /** Absent: whoever holds it keeps it. */
  readonly users?: readonly string[]
  readonly groups?: readonly string[]
  readonly services?: readonly string[]
}

/**
 * Brings the roles into line with the configuration when the hub starts. As in JupyterHub, a role that is no longer
 * configured vanishes, the role `admin` cannot be changed, and a list of holders is the whole list.
 */
export async function applyConfiguredRoles(
  database: Database,
  configured: readonly ConfiguredRole[],
  log: Logger,
  definitions: ScopeDefinitions = scopeDefinitions,
): Promise<void> {
  for (const role of configured) checkRole(role, definitions)
  await database.db.transaction().execute(async tx => {
    await ensureDefaultRoles(tx)
    for (const role of configured) await applyRole(tx, role, log)
    const removed = await keepOnlyRoles(
      tx,
      [...defaultRoles, ...configured].map(role => role.name),
    )
    for (const role of removed) log.warn({ role }, 'role removed, it is no longer configured')
  })
}

async function applyRole(tx: Db, role: ConfiguredRole, log: Logger): Promise<void> {
  const standard = defaultRoles.find(({ name }) => name === role.name)
  const scopes = role.scopes ?? standard?.scopes ?? []
  const id = await putRole(tx, {
    name: role.name,
    description: role.description ?? standard?.description ?? '',
    scopes,
  })
  await setHolders(tx, role, id, 'user', role.users, log)
  await setHolders(tx, role, id, 'group', role.groups, log)
  await setHolders(tx, role, id, 'service', role.services, log)
}

const TABLES = { user: 'users', group: 'groups', service: 'services' } as const
const MAPS = { user: 'user_role_map', group: 'group_role_map', service: 'service_role_map' } as const

async function setHolders(
  tx: Db,
  role: ConfiguredRole,
  roleId: number,
  kind: 'user' | 'group' | 'service',
  names: readonly string[] | undefined,
  log: Logger,
): Promise<void> {
  if (names === undefined) return
  const rows =
    names.length === 0
      ? []
      : await tx
          .selectFrom(TABLES[kind])
          .select(['id', 'name'])
          .where('name', 'in', [...names])
          .execute()
  for (const name of names.filter(wanted => !rows.some(row => row.name === wanted))) {
    log.warn({ role: role.name, [kind]: name }, 'role not granted, there is no such holder')
  }
  await tx.deleteFrom(MAPS[kind]).where('role_id', '=', roleId).where('managed_by_auth', '=', false).execute()
  for (const row of rows) await grantRole(tx, { kind, id: row.id }, role.name)
}

function checkRole(role: ConfiguredRole, definitions: ScopeDefinitions): void {
  if (!/^[a-z][a-z0-9\-_~.]{1,253}[a-z0-9]$/.test(role.name)) {
    const message = `roles: "${role.name}" is no role name: 3 to 255 of a-z, 0-9 and -_~., a letter first, no sign last`
    throw new HubError('config_invalid', { status: 500, message })
  }
  if (role.name === 'admin' && role.scopes) {
    throw new HubError('config_invalid', {
      status: 500,
      message: 'roles: the scopes of the role admin cannot be changed',
    })
  }
  const [unknown] = unknownScopes(role.scopes ?? [], definitions)
  if (unknown !== undefined) {
    throw new HubError('config_invalid', {
      status: 500,
      message: `roles: ${role.name} names an unknown scope "${unknown}"`,
    })
  }
}
