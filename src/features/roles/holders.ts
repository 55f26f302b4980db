/** Who holds a role, and what a role may be. */
import { isValidRoleName, printable } from '../../core/names.ts'
import { defaultRoles } from '../../core/scopes/default-roles.ts'
import { scopeDefinitions } from '../../core/scopes/definitions.ts'
import { unknownScopes } from '../../core/scopes/expand.ts'
import type { Db } from '../../db/database.ts'

export type HolderKind = 'user' | 'group' | 'service'

export const HOLDER_TABLES = { user: 'users', group: 'groups', service: 'services' } as const

/** These hold it afterwards, nobody else; grants that were there keep their mark. */
export async function replaceHolders(
  db: Db,
  roleId: number,
  kind: HolderKind,
  ids: readonly number[],
  options: { managedByAuth?: boolean } = {},
): Promise<void> {
  const managedByAuth = options.managedByAuth ?? false
  const table = { user: 'user_role_map', group: 'group_role_map', service: 'service_role_map' }[kind] as 'user_role_map'
  const column = `${kind}_id` as 'user_id' // the three tables differ in the names alone
  await db
    .deleteFrom(table)
    .where('role_id', '=', roleId)
    .$if(ids.length > 0, query => query.where(column, 'not in', [...ids]))
    .execute()
  for (const id of ids) {
    const grant = { [column]: id, role_id: roleId, managed_by_auth: managedByAuth } as {
      user_id: number
      role_id: number
      managed_by_auth: boolean
    }
    await db
      .insertInto(table)
      .values(grant)
      .onConflict(conflict =>
        managedByAuth
          ? conflict.columns([column, 'role_id']).doUpdateSet({ managed_by_auth: true })
          : conflict.doNothing(),
      )
      .execute()
  }
}

/** `"Ab" has no valid name`; undefined when nothing is wrong. */
export function faultOfRole(role: {
  name: string
  description?: string | undefined
  scopes?: readonly string[] | undefined
}): string | undefined {
  const name = `"${printable(role.name)}"`
  if (!isValidRoleName(role.name)) return `${name} has no valid name`
  const [unknown] = unknownScopes(role.scopes ?? [], scopeDefinitions)
  if (unknown !== undefined) return `${name} has an unknown scope "${printable(unknown)}"`
  const admin = defaultRoles.find(({ name: standard }) => standard === 'admin')
  const isChangedAdmin = role.name === 'admin' && role.scopes && role.scopes.join() !== admin?.scopes.join()
  return isChangedAdmin ? `${name} cannot have other scopes` : undefined
}
