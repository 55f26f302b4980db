/** Roles of one user as the authenticator tells them at a sign-in: JupyterHub's `sync_roles`. */
import { grantRole, stripRole } from '../../access/role-grants.ts'
import { HubError } from '../../core/errors.ts'
import type { Logger } from '../../core/runtime.ts'
import type { DbTransaction } from '../../db/database.ts'
import type { ManagedRole } from '../../plugin/authenticator.ts'
import { faultOfRole, HOLDER_TABLES, type HolderKind, replaceHolders } from './holders.ts'
import { addRole, findRole, removeUnusedRoles, rolesOfUser } from './store.ts'

/**
 * The user holds exactly these roles afterwards, `user` and `admin` among them only where they are told. A role that is
 * new is made, one that exists gets what is told of it. A managed role that this user held and nobody holds any more is
 * removed unless it is one of `keep`. Throws HubError 409 `managed_role_invalid`, as JupyterHub.
 */
export async function syncRoles(
  tx: DbTransaction,
  user: { id: number; name: string },
  told: readonly ManagedRole[],
  { keep, log }: { keep: ReadonlySet<string>; log: Logger },
): Promise<void> {
  const roles = new Map(told.map(role => [role.name, role]))
  const before = await rolesOfUser(tx, user.id)
  const granted = [...roles.keys()].filter(name => !before.includes(name))
  const stripped = before.filter(name => !roles.has(name))
  if (granted.length > 0 || stripped.length > 0)
    log.info({ user: user.name, granted, stripped }, 'roles of user changed')

  for (const role of roles.values()) await bringUpToDate(tx, role, log)
  // All of them: a list of users may have left out the one who signs in.
  for (const name of roles.keys()) await grantRole(tx, { kind: 'user', id: user.id }, name, { managedByAuth: true })
  for (const name of stripped) await stripRole(tx, { kind: 'user', id: user.id }, name)
  await removeUnusedRoles(
    tx,
    stripped.filter(name => !keep.has(name)),
  )
}

async function bringUpToDate(tx: DbTransaction, role: ManagedRole, log: Logger): Promise<void> {
  const fault = faultOfRole(role)
  if (fault) throw new HubError('managed_role_invalid', { status: 409, message: `The authenticator's role ${fault}.` })
  const before = await findRole(tx, role.name)
  const id = before?.id ?? (await addRole(tx, { ...role, managedByAuth: true }))
  // What is not told, or empty, stays as it is.
  if (before && (role.description || role.scopes?.length)) {
    await tx
      .updateTable('roles')
      .set({
        ...(role.description && { description: role.description }),
        ...(role.scopes?.length && { scopes: JSON.stringify(role.scopes) }),
      })
      .where('id', '=', id)
      .execute()
  }
  for (const kind of ['user', 'group', 'service'] as const) {
    const names = role[`${kind}s`]
    if (names) await replaceHolders(tx, id, kind, await existing(tx, role.name, kind, names, log))
  }
}

async function existing(tx: DbTransaction, role: string, kind: HolderKind, names: readonly string[], log: Logger) {
  if (names.length === 0) return []
  const rows = await tx
    .selectFrom(HOLDER_TABLES[kind])
    .select(['id', 'name'])
    .where('name', 'in', [...names])
    .execute()
  const missing = names.filter(name => !rows.some(row => row.name === name))
  if (missing.length > 0) log.warn({ role, kind, missing }, 'managed role names holders that do not exist')
  return rows.map(row => row.id)
}
