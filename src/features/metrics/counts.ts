import type { Db } from '../../db/database.ts'
import { toDbTime } from '../../db/db-time.ts'
import type { HubCounts } from '../../http/metrics.ts'

/** What the gauges of `/hub/metrics` show, counted in the database: it is the same for every hub on it. */
export function databaseCounts(db: Db): HubCounts {
  return {
    async runningServers() {
      const row = await db
        .selectFrom('spawners')
        .leftJoin('orrery_runs as run', 'run.spawner_id', 'spawners.id')
        .where('server_id', 'is not', null)
        .where(where => where.or([where('run.phase', 'is', null), where('run.phase', '=', 'ready')]))
        .select(({ fn }) => fn.countAll<number | string>().as('count'))
        .executeTakeFirstOrThrow()
      return Number(row.count)
    },
    async totalUsers() {
      const row = await db
        .selectFrom('users')
        .select(({ fn }) => fn.countAll<number | string>().as('count'))
        .executeTakeFirstOrThrow()
      return Number(row.count)
    },
    async activeUsersSince(moment) {
      const row = await db
        .selectFrom('users')
        .where('last_activity', '>=', toDbTime(moment))
        .select(({ fn }) => fn.countAll<number | string>().as('count'))
        .executeTakeFirstOrThrow()
      return Number(row.count)
    },
  }
}
