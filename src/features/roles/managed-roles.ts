/** Roles that the authenticator names at the start of the hub: JupyterHub's `load_managed_roles`. */
import { HubError } from '../../core/errors.ts'
import type { Db } from '../../db/database.ts'
import type { ManagedRole } from '../../plugin/authenticator.ts'
import { type ConfiguredRolesDeps, holdersOf } from './configured-roles.ts'
import { faultOfRole, replaceHolders } from './holders.ts'
import { addRole, findRole } from './store.ts'

/**
 * As in JupyterHub: roles are made or changed, users keep a role that does not list its users, groups and services only
 * hold it where they are listed. `reset` also removes managed roles that are not named, and grants by the authenticator
 * of any other role. Throws HubError `managed_role_invalid`.
 */
export async function applyManagedRoles(
  deps: ConfiguredRolesDeps,
  told: readonly ManagedRole[],
  { reset }: { reset: boolean },
): Promise<void> {
  for (const role of told) {
    const fault = faultOfRole(role)
    if (fault)
      throw new HubError('managed_role_invalid', { status: 500, message: `The authenticator's role ${fault}.` })
  }
  await deps.database.db.transaction().execute(async tx => {
    const ids: number[] = []
    for (const role of told) ids.push(await applyRole(tx, role, deps))
    if (reset) await removeStale(tx, told, ids, deps)
  })
}

async function applyRole(tx: Db, role: ManagedRole, deps: ConfiguredRolesDeps): Promise<number> {
  const before = await findRole(tx, role.name)
  const id = before?.id ?? (await addRole(tx, { ...role, managedByAuth: true }))
  if (before && role.name !== 'admin') {
    const values = {
      ...(role.description !== undefined && { description: role.description }),
      scopes: role.scopes ? JSON.stringify(role.scopes) : before.scopes,
    }
    await tx.updateTable('roles').set(values).where('id', '=', id).execute()
  }
  for (const kind of ['user', 'group', 'service'] as const) {
    if (kind === 'user' && !role.users) continue
    const holders = await holdersOf(tx, kind, { ...role, [`${kind}s`]: role[`${kind}s`] ?? [] }, deps)
    await replaceHolders(tx, id, kind, holders, { managedByAuth: true })
    if (role.name !== 'admin' || kind === 'group' || holders.length === 0) continue
    await tx
      .updateTable(kind === 'user' ? 'users' : 'services')
      .set({ admin: true })
      .where('id', 'in', holders)
      .execute()
  }
  return id
}

async function removeStale(
  tx: Db,
  told: readonly ManagedRole[],
  ids: readonly number[],
  { log }: ConfiguredRolesDeps,
): Promise<void> {
  const names = told.map(role => role.name)
  const gone = await tx
    .deleteFrom('roles')
    .where('managed_by_auth', '=', true)
    .$if(names.length > 0, query => query.where('name', 'not in', names))
    .returning('name')
    .execute()
  if (gone.length > 0)
    log.info({ roles: gone.map(role => role.name) }, 'managed roles removed, they are not named any more')
  for (const table of ['user_role_map', 'group_role_map', 'service_role_map'] as const) {
    await tx
      .deleteFrom(table as 'user_role_map') // the three differ in one name alone
      .where('managed_by_auth', '=', true)
      .$if(ids.length > 0, query => query.where('role_id', 'not in', [...ids]))
      .execute()
  }
}
