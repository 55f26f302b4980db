/** One look at all users without a server: deletes those that reach their limits. */
import { sql } from 'kysely'
import { toDbTime } from '../../db/db-time.ts'
import { eachOf, type Round, secondsSince } from './context.ts'
import { decideUser } from './decide.ts'
import { groupsOfUsers } from './groups.ts'
import { limitsOf, shortestLimit } from './limits.ts'

export async function cullUsers(round: Round): Promise<void> {
  const { database, settings, clock, log, signal } = round
  if (!settings.cullUsers) return
  const users = await dueUsers(round)
  const groups = await groupsOfUsers(database, settings)
  await eachOf(users, { concurrency: settings.concurrency, signal }, async ({ id, name, admin, ...times }) => {
    const now = clock.now()
    const limits = limitsOf({ name, groups: groups.get(id) ?? [] }, settings)
    const idleSeconds = secondsSince(times.last_activity, now)
    const ageSeconds = secondsSince(times.created, now)
    const rule = decideUser({ admin, activeServers: 0, idleSeconds, ageSeconds }, limits, settings.cullAdminUsers)
    if (!rule) return
    try {
      if ((await round.removeUser({ id, name, admin, groups: [] })) === 'not yet') return
      const seconds = { idleSeconds: whole(idleSeconds), ageSeconds: whole(ageSeconds) }
      log.info({ user: name, ...seconds, rule }, 'user culled')
    } catch (error) {
      log.error({ user: name, err: error }, 'user could not be deleted; it is tried again')
    }
  })
}

/** Without a server that runs, starts or stops, and old enough for the shortest of all limits. */
async function dueUsers({ database: { db }, settings, clock }: Round) {
  const shortest = shortestLimit(settings)
  if (shortest === undefined) return []
  const latest = toDbTime(new Date(clock.now().getTime() - shortest * 1000))
  return db
    .selectFrom('users')
    .select(['id', 'name', 'admin', 'created', 'last_activity'])
    .where(where => where.or([where('created', '<=', latest), where('last_activity', '<=', latest)]))
    .where(({ not, exists, selectFrom }) =>
      not(
        exists(
          selectFrom('spawners')
            .leftJoin('orrery_runs as run', 'run.spawner_id', 'spawners.id')
            .select(sql`1`.as('one'))
            .whereRef('spawners.user_id', '=', 'users.id')
            .where(where =>
              where.or([
                where('spawners.server_id', 'is not', null),
                where('run.phase', 'in', ['spawning', 'ready', 'stopping']),
              ]),
            ),
        ),
      ),
    )
    .orderBy('id')
    .execute()
}

function whole(seconds: number | undefined): number | undefined {
  return seconds === undefined ? undefined : Math.round(seconds)
}
