import { defaultRoles } from '../core/scopes/default-roles.ts'
import { compiledQuery } from '../db/compiled-query.ts'
import type { Db } from '../db/database.ts'

/** Makes the roles that always exist; those that exist already keep what an administrator made of them, except `admin`. */
export async function ensureDefaultRoles(db: Db): Promise<void> {
  for (const role of defaultRoles) {
    const values = {
      name: role.name,
      description: role.description,
      scopes: JSON.stringify(role.scopes),
      managed_by_auth: false,
    }
    const insert = db.insertInto('roles').values(values)
    await (role.name === 'admin'
      ? insert.onConflict(conflict => conflict.column('name').doUpdateSet({ scopes: values.scopes }))
      : insert.onConflict(conflict => conflict.column('name').doNothing())
    ).execute()
  }
}

/** Users hold the role `user`; users and services hold `admin` exactly while they are administrators. */
export async function assignDefaultRoles(
  db: Db,
  entity: { kind: 'user' | 'service'; id: number; admin: boolean; isNew?: boolean },
): Promise<void> {
  if (entity.kind === 'user') await grantRole(db, entity, 'user')
  if (entity.admin) await grantRole(db, entity, 'admin')
  else if (!entity.isNew) await stripRole(db, entity, 'admin')
}

/** Idempotent. Throws when there is no such role. */
export async function grantRole(
  db: Db,
  entity: { kind: 'user' | 'group' | 'service'; id: number },
  role: string,
  options: { managedByAuth?: boolean } = {},
): Promise<void> {
  const [found] = await roleByName(db, role)
  if (!found) throw new Error(`there is no role ${role}`)
  const grant = { role_id: found.id, managed_by_auth: options.managedByAuth ?? false }
  if (entity.kind === 'user') {
    await grantToUser(db, entity.id, grant.role_id, grant.managed_by_auth)
  } else if (entity.kind === 'group') {
    await db
      .insertInto('group_role_map')
      .values({ group_id: entity.id, ...grant })
      .onConflict(c => c.doNothing())
      .execute()
  } else {
    await db
      .insertInto('service_role_map')
      .values({ service_id: entity.id, ...grant })
      .onConflict(c => c.doNothing())
      .execute()
  }
}

export async function stripRole(
  db: Db,
  entity: { kind: 'user' | 'group' | 'service'; id: number },
  role: string,
): Promise<void> {
  const roleId = db.selectFrom('roles').select('id').where('name', '=', role)
  if (entity.kind === 'user') {
    await takeFromUser(db, entity.id, role)
  } else if (entity.kind === 'group') {
    await db.deleteFrom('group_role_map').where('group_id', '=', entity.id).where('role_id', 'in', roleId).execute()
  } else {
    await db.deleteFrom('service_role_map').where('service_id', '=', entity.id).where('role_id', 'in', roleId).execute()
  }
}

const roleByName = compiledQuery((db, name: string) => db.selectFrom('roles').select('id').where('name', '=', name))

const grantToUser = compiledQuery((db, userId: number, roleId: number, managedByAuth: boolean) =>
  db
    .insertInto('user_role_map')
    .values({ user_id: userId, role_id: roleId, managed_by_auth: managedByAuth })
    .onConflict(conflict => conflict.doNothing()),
)

const takeFromUser = compiledQuery((db, userId: number, role: string) =>
  db
    .deleteFrom('user_role_map')
    .where('user_id', '=', userId)
    .where('role_id', 'in', db.selectFrom('roles').select('id').where('name', '=', role)),
)
