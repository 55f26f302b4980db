import { compiledQuery } from '../../db/compiled-query.ts'
import type { Db } from '../../db/database.ts'
import { type ServerRow, serversOfUsers } from '../../spawning/server-row.ts'
import type { UserRow } from './user-list.ts'

/** A user with what belongs to them. */
export interface UserDetails extends UserRow {
  readonly roles: readonly string[]
  readonly groups: readonly string[]
  readonly servers: readonly ServerRow[]
}

/** Roles, groups and servers of a page of users: three reads, however many users. */
export async function withDetails(db: Db, users: readonly UserRow[]): Promise<UserDetails[]> {
  if (users.length === 0) return []
  const ids = users.map(user => user.id)
  const [roles, groups, servers] = await Promise.all([
    rolesOfUsers(db, ids),
    groupsOfUsers(db, ids),
    serversOfUsers({ db }, ids),
  ])
  const rolesOf = Map.groupBy(roles, row => row.user_id)
  const groupsOf = Map.groupBy(groups, row => row.user_id)
  const serversOf = Map.groupBy(servers, row => row.userId)
  return users.map(user => ({
    ...user,
    roles: (rolesOf.get(user.id) ?? []).map(row => row.name),
    groups: (groupsOf.get(user.id) ?? []).map(row => row.name),
    servers: serversOf.get(user.id) ?? [],
  }))
}

const rolesOfUsers = compiledQuery((db, ids: number[]) =>
  db
    .selectFrom('user_role_map')
    .innerJoin('roles', 'roles.id', 'user_role_map.role_id')
    .select(['user_role_map.user_id', 'roles.name'])
    .where('user_role_map.user_id', 'in', ids)
    .orderBy('roles.id'),
)

const groupsOfUsers = compiledQuery((db, ids: number[]) =>
  db
    .selectFrom('user_group_map')
    .innerJoin('groups', 'groups.id', 'user_group_map.group_id')
    .select(['user_group_map.user_id', 'groups.name'])
    .where('user_group_map.user_id', 'in', ids)
    .orderBy('groups.name'),
)
