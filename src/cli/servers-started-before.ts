import { toDbTime } from '../db/db-time.ts'
import type { ConfigFlags } from './config-flags.ts'
import { withDatabase } from './with-database.ts'

/** Servers that run and were started before this moment: `ada/`, `ada/gpu`. */
export function serversStartedBefore(moment: Date, flags: ConfigFlags): Promise<string[]> {
  return withDatabase(flags, async ({ db }) => {
    const rows = await db
      .selectFrom('spawners')
      .innerJoin('users', 'users.id', 'spawners.user_id')
      .select(['users.name as user', 'spawners.name as server'])
      .where('spawners.server_id', 'is not', null)
      .where('spawners.started', '<', toDbTime(moment))
      .orderBy('users.name')
      .execute()
    return rows.map(({ user, server }) => `${user}/${server}`)
  })
}
