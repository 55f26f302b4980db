import type { ScopeReach } from '../../core/scopes/types.ts'
import type { Db } from '../../db/database.ts'

export interface GroupRow {
  readonly id: number
  readonly name: string
  /** JSON text. */
  readonly properties: string | null
}

export interface GroupDetails extends GroupRow {
  readonly roles: readonly string[]
  readonly users: readonly string[]
}

export interface CountedGroup extends GroupRow {
  readonly roles: readonly string[]
  /** How many. */
  readonly users: number
}

export async function findGroup(db: Db, name: string): Promise<GroupRow | undefined> {
  return db.selectFrom('groups').select(['id', 'name', 'properties']).where('name', '=', name).executeTakeFirst()
}

/** One page in the order of making, of those within reach, and how many these are. */
export async function listGroups(
  db: Db,
  reach: ScopeReach,
  page: { offset: number; limit: number },
): Promise<{ rows: GroupRow[]; total: number }> {
  const groups = db.selectFrom('groups').$if(reach !== 'all', query => query.where('name', 'in', namesIn(reach)))
  const [rows, count] = await Promise.all([
    groups.select(['id', 'name', 'properties']).orderBy('id').offset(page.offset).limit(page.limit).execute(),
    groups.select(({ fn }) => fn.countAll<number | string>().as('total')).executeTakeFirstOrThrow(),
  ])
  return { rows, total: Number(count.total) }
}

/** Roles and members of a page of groups: two reads, however many groups. */
export async function withMembers(db: Db, groups: readonly GroupRow[]): Promise<GroupDetails[]> {
  if (groups.length === 0) return []
  const ids = groups.map(group => group.id)
  const [roles, users] = await Promise.all([
    rolesOfGroups(db, ids),
    db
      .selectFrom('user_group_map')
      .innerJoin('users', 'users.id', 'user_group_map.user_id')
      .select(['user_group_map.group_id', 'users.name'])
      .where('user_group_map.group_id', 'in', ids)
      .orderBy('users.name')
      .execute(),
  ])
  const rolesOf = Map.groupBy(roles, row => row.group_id)
  const usersOf = Map.groupBy(users, row => row.group_id)
  return groups.map(group => ({
    ...group,
    roles: (rolesOf.get(group.id) ?? []).map(row => row.name),
    users: (usersOf.get(group.id) ?? []).map(row => row.name),
  }))
}

/** As `withMembers`, with how many members there are instead of their names. */
export async function withMemberCounts(db: Db, groups: readonly GroupRow[]): Promise<CountedGroup[]> {
  if (groups.length === 0) return []
  const ids = groups.map(group => group.id)
  const [roles, counts] = await Promise.all([
    rolesOfGroups(db, ids),
    db
      .selectFrom('user_group_map')
      .select(({ fn }) => ['group_id', fn.countAll<number | string>().as('users')])
      .where('group_id', 'in', ids)
      .groupBy('group_id')
      .execute(),
  ])
  const rolesOf = Map.groupBy(roles, row => row.group_id)
  const countOf = new Map(counts.map(row => [row.group_id, Number(row.users)]))
  return groups.map(group => ({
    ...group,
    roles: (rolesOf.get(group.id) ?? []).map(row => row.name),
    users: countOf.get(group.id) ?? 0,
  }))
}

function rolesOfGroups(db: Db, ids: readonly number[]): Promise<{ group_id: number; name: string }[]> {
  return db
    .selectFrom('group_role_map')
    .innerJoin('roles', 'roles.id', 'group_role_map.role_id')
    .select(['group_role_map.group_id', 'roles.name'])
    .where('group_role_map.group_id', 'in', ids)
    .orderBy('roles.id')
    .execute()
}

/** Undefined when the name is taken. */
export async function createGroup(db: Db, name: string): Promise<GroupRow | undefined> {
  return db
    .insertInto('groups')
    .values({ name, properties: '{}' })
    .onConflict(conflict => conflict.column('name').doNothing())
    .returning(['id', 'name', 'properties'])
    .executeTakeFirst()
}

export async function deleteGroup(db: Db, id: number): Promise<void> {
  await db.deleteFrom('groups').where('id', '=', id).execute()
}

export async function addMembers(db: Db, groupId: number, userIds: readonly number[]): Promise<void> {
  if (userIds.length === 0) return
  await db
    .insertInto('user_group_map')
    .values(userIds.map(userId => ({ user_id: userId, group_id: groupId })))
    .onConflict(conflict => conflict.doNothing())
    .execute()
}

export async function removeMembers(db: Db, groupId: number, userIds: readonly number[]): Promise<void> {
  if (userIds.length === 0) return
  await db.deleteFrom('user_group_map').where('group_id', '=', groupId).where('user_id', 'in', userIds).execute()
}

export async function setProperties(db: Db, groupId: number, properties: unknown): Promise<void> {
  await db
    .updateTable('groups')
    .set({ properties: JSON.stringify(properties) })
    .where('id', '=', groupId)
    .execute()
}

/** Users of these names, in one read. */
export async function usersNamed(db: Db, names: readonly string[]): Promise<{ id: number; name: string }[]> {
  if (names.length === 0) return []
  return db.selectFrom('users').select(['id', 'name']).where('name', 'in', names).execute()
}

/** `in ()` is no SQL; the empty name belongs to nobody. */
function namesIn(reach: ScopeReach): string[] {
  const names = reach === 'all' ? [] : [...(reach.group ?? [])]
  return names.length > 0 ? names : ['']
}
