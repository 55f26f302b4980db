import type { Db } from '../../db/database.ts'

export interface Role {
  readonly id: number
  readonly name: string
  readonly description: string
  /** JSON text of raw scopes. */
  readonly scopes: string | null
  readonly managed_by_auth: boolean
}

export async function findRole(db: Db, name: string): Promise<Role | undefined> {
  const row = await roles(db).where('name', '=', name).executeTakeFirst()
  return row && { ...row, description: row.description ?? '' }
}

export async function listRoles(db: Db): Promise<Role[]> {
  const rows = await roles(db).orderBy('id').execute()
  return rows.map(row => ({ ...row, description: row.description ?? '' }))
}

/** A role with those who hold it. */
export interface HeldRole extends Role {
  /** How many. */
  readonly users: number
  /** Names. */
  readonly groups: readonly string[]
  readonly services: readonly string[]
}

export async function listHeldRoles(db: Db): Promise<HeldRole[]> {
  const [all, users, groups, services] = await Promise.all([
    listRoles(db),
    db
      .selectFrom('user_role_map')
      .select(({ fn }) => ['role_id', fn.countAll<number | string>().as('users')])
      .groupBy('role_id')
      .execute(),
    db
      .selectFrom('group_role_map')
      .innerJoin('groups', 'groups.id', 'group_role_map.group_id')
      .select(['role_id', 'groups.name'])
      .orderBy('groups.name')
      .execute(),
    db
      .selectFrom('service_role_map')
      .innerJoin('services', 'services.id', 'service_role_map.service_id')
      .select(['role_id', 'services.name'])
      .orderBy('services.name')
      .execute(),
  ])
  const namesOf = (rows: readonly { role_id: number; name: string }[], id: number) =>
    rows.filter(row => row.role_id === id).map(row => row.name)
  return all.map(role => ({
    ...role,
    users: Number(users.find(row => row.role_id === role.id)?.users ?? 0),
    groups: namesOf(groups, role.id),
    services: namesOf(services, role.id),
  }))
}

/** Makes a role, or gives an existing one these scopes. Returns its id. */
export async function putRole(
  db: Db,
  role: { name: string; description: string; scopes: readonly string[]; managedByAuth?: boolean },
): Promise<number> {
  const values = {
    description: role.description,
    scopes: JSON.stringify(role.scopes),
    managed_by_auth: role.managedByAuth ?? false,
  }
  const { id } = await db
    .insertInto('roles')
    .values({ name: role.name, ...values })
    .onConflict(conflict => conflict.column('name').doUpdateSet(values))
    .returning('id')
    .executeTakeFirstOrThrow()
  return id
}

/** Makes a role that does not exist. Returns its id. */
export async function addRole(
  db: Db,
  role: { name: string; description?: string; scopes?: readonly string[]; managedByAuth: boolean },
): Promise<number> {
  const { id } = await db
    .insertInto('roles')
    .values({
      name: role.name,
      description: role.description ?? null,
      scopes: JSON.stringify(role.scopes ?? []),
      managed_by_auth: role.managedByAuth,
    })
    .returning('id')
    .executeTakeFirstOrThrow()
  return id
}

/** Names of the roles a user holds themselves, not through a group. */
export async function rolesOfUser(db: Db, userId: number): Promise<string[]> {
  const rows = await db
    .selectFrom('user_role_map')
    .innerJoin('roles', 'roles.id', 'user_role_map.role_id')
    .select('roles.name')
    .where('user_role_map.user_id', '=', userId)
    .execute()
  return rows.map(row => row.name)
}

/** Removes those of these roles that an authenticator made and that nobody holds. */
export async function removeUnusedRoles(db: Db, names: readonly string[]): Promise<void> {
  if (names.length === 0) return
  await db
    .deleteFrom('roles')
    .where('name', 'in', [...names])
    .where('managed_by_auth', '=', true)
    .where('id', 'not in', db.selectFrom('user_role_map').select('role_id'))
    .where('id', 'not in', db.selectFrom('group_role_map').select('role_id'))
    .where('id', 'not in', db.selectFrom('service_role_map').select('role_id'))
    .execute()
}

/** Removes every role that is not named; who held it holds it no more. Returns the names of those removed. */
export async function keepOnlyRoles(db: Db, names: readonly string[]): Promise<string[]> {
  const removed = await db
    .deleteFrom('roles')
    .where('name', 'not in', [...names])
    .where('managed_by_auth', '=', false)
    .returning('name')
    .execute()
  return removed.map(row => row.name)
}

/** Removes these roles; returns the names of those there were. */
export async function removeRoles(db: Db, names: readonly string[]): Promise<string[]> {
  if (names.length === 0) return []
  const removed = await db
    .deleteFrom('roles')
    .where('name', 'in', [...names])
    .where('managed_by_auth', '=', false)
    .returning('name')
    .execute()
  return removed.map(row => row.name)
}

function roles(db: Db) {
  return db.selectFrom('roles').select(['id', 'name', 'description', 'scopes', 'managed_by_auth'])
}
