/** Proxies see all traffic: when they last saw a server's becomes its and its user's `last_activity`, if that is newer. */
import type { Database } from '../db/database.ts'
import { toDbTime } from '../db/db-time.ts'
import type { ProxyRoute } from '../proxy/api-client.ts'

/** Returns how many servers had newer activity. */
export async function storeActivity(
  database: Database,
  tables: readonly ReadonlyMap<string, ProxyRoute>[],
): Promise<number> {
  const seen = latestByServer(tables)
  if (seen.size === 0) return 0
  const servers = await database.db
    .selectFrom('spawners')
    .innerJoin('users', 'users.id', 'spawners.user_id')
    .select(['spawners.id', 'spawners.user_id as userId', 'users.name as user', 'spawners.name as server'])
    .select(['spawners.last_activity as serverActivity', 'users.last_activity as userActivity'])
    .where('spawners.server_id', 'is not', null)
    .execute()
  const newer = servers.flatMap(row => {
    const at = seen.get(`${row.user}/${row.server}`)
    const isNewer = at !== undefined && (at > (row.serverActivity ?? '') || at > (row.userActivity ?? ''))
    return isNewer ? [{ ...row, at }] : []
  })
  await database.db.transaction().execute(async tx => {
    for (const { id, userId, at } of newer) {
      // Compared again here: a server may have told of newer activity itself in the meantime.
      await tx
        .updateTable('spawners')
        .set({ last_activity: at })
        .where('id', '=', id)
        .where(where => where.or([where('last_activity', 'is', null), where('last_activity', '<', at)]))
        .execute()
      await tx
        .updateTable('users')
        .set({ last_activity: at })
        .where('id', '=', userId!)
        .where(where => where.or([where('last_activity', 'is', null), where('last_activity', '<', at)]))
        .execute()
    }
  })
  return newer.length
}

/** `user/server` to database time. */
function latestByServer(tables: readonly ReadonlyMap<string, ProxyRoute>[]): Map<string, string> {
  const latest = new Map<string, string>()
  for (const { data, lastActivity } of tables.flatMap(table => [...table.values()])) {
    if (typeof data.user !== 'string' || typeof data.server_name !== 'string') continue
    if (Number.isNaN(lastActivity.getTime())) continue
    const name = `${data.user}/${data.server_name}`
    const at = toDbTime(lastActivity)
    if (at > (latest.get(name) ?? '')) latest.set(name, at)
  }
  return latest
}
