import type { Database } from '../../db/database.ts'
import type { LimitSettings } from './limits.ts'

/** Names of the groups with limits of their own that users are in, by user id. */
export async function groupsOfUsers(
  { db }: Database,
  { perGroup }: Pick<LimitSettings, 'perGroup'>,
): Promise<ReadonlyMap<number, readonly string[]>> {
  const names = Object.keys(perGroup)
  if (names.length === 0) return new Map()
  const rows = await db
    .selectFrom('user_group_map')
    .innerJoin('groups', 'groups.id', 'user_group_map.group_id')
    .select(['user_group_map.user_id', 'groups.name'])
    .where('groups.name', 'in', names)
    .execute()
  const byUser = Map.groupBy(rows, row => row.user_id)
  return new Map([...byUser].map(([id, all]) => [id, all.map(row => row.name)]))
}
