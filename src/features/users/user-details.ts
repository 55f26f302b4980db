import { compiledQuery } from '../../db/compiled-query.ts'
import type { Db } from '../../db/database.ts'
import { activeServersOfUsers, type ServerRow, serversOfUsers } from '../../spawning/server-row.ts'
import type { UserRow } from './user-list.ts'

/** A user with what belongs to them. */
export interface UserDetails extends UserRow {
  readonly roles: readonly string[]
  readonly groups: readonly string[]
  /** Without stopped ones unless they were asked for. */
  readonly servers: readonly ServerRow[]
}

/** Roles, groups and servers of a page of users: three reads, however many users. */
export async function withDetails(
  db: Db,
  users: readonly UserRow[],
  { includeStopped }: { includeStopped: boolean },
): Promise<UserDetails[]> {
  if (users.length === 0) return []
  const ids = users.map(user => user.id)
  const [roles, groups, servers] = await Promise.all([
    rolesOfUsers(db, ids),
    groupsOfUsers(db, ids),
    includeStopped ? serversOfUsers({ db }, ids) : activeServersOfUsers({ db }, ids),
  ])
  const details = new Map<number, { roles: string[]; groups: string[]; servers: ServerRow[] }>()
  for (const id of ids) details.set(id, { roles: [], groups: [], servers: [] })
  for (const row of roles) details.get(row.user_id)?.roles.push(row.name)
  for (const row of groups) details.get(row.user_id)?.groups.push(row.name)
  for (const row of servers) details.get(row.userId)?.servers.push(row)
  return users.map(user => Object.assign(details.get(user.id)!, user)) // it has just been made
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
