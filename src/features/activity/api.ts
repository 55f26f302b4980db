/** `POST /hub/api/users/NAME/activity`: single-user servers tell when somebody last worked on them. */
import type { FastifyPluginAsync, FastifyRequest } from 'fastify'
import type { Access } from '../../access/access.ts'
import { scoped } from '../../access/endpoint.ts'
import { HubError } from '../../core/errors.ts'
import { printable } from '../../core/names.ts'
import type { Clock, Logger } from '../../core/runtime.ts'
import { compiledQuery } from '../../db/compiled-query.ts'
import type { Database } from '../../db/database.ts'
import { storeIfNewer } from '../../db/store-activity.ts'
import { noSuchUser } from '../../spawning/server-rows.ts'
import { postActivity } from './operations.ts'
import { activityBody } from './schemas.ts'
import { parseTimestamp } from './timestamp.ts'

export interface ActivityDeps {
  readonly database: Database
  readonly access: Access
  readonly log: Logger
  readonly clock: Clock
}

type Named = { Params: { name: string } }

export function activityApi({ database, access, clock }: ActivityDeps): FastifyPluginAsync {
  const whom = (request: FastifyRequest) => ({ user: (request.params as Named['Params']).name })
  const { preHandler, config } = scoped(access, postActivity, whom)
  const options = { preHandler, config: { ...config, changesAccess: false } }

  return async server => {
    server.post<Named>('/hub/api/users/:name/activity', options, async (request, reply) => {
      const user = await database.hot.findUserByName(request.params.name)
      if (!user) throw noSuchUser(request.params.name)
      const known = await spawnersOf(database.db, user.id)
      const told = readActivity(request.body, clock.now())
      const servers = told.servers.map(({ name, at }) => {
        const spawner = known.find(candidate => candidate.name === name)
        // Everybody has a default server, even before its row is made.
        if (!spawner && name !== '') throw noSuchServer(name, user.name)
        return { spawnerId: spawner?.id, at: at() }
      })
      const userAt = told.user?.()
      await database.db.transaction().execute(async tx => {
        if (userAt !== undefined) await storeIfNewer.users(tx, user.id, userAt)
        for (const { spawnerId, at } of servers) {
          if (spawnerId !== undefined) await storeIfNewer.spawners(tx, spawnerId, at)
        }
      })
      return reply.type('application/json').send('')
    })
  }
}

/** What the body tells; times are read when they are asked for, because unknown servers are refused first. */
interface ToldActivity {
  readonly user: (() => string) | undefined
  readonly servers: readonly { name: string; at: () => string }[]
}

function readActivity(body: unknown, now: Date): ToldActivity {
  const parsed = activityBody.safeParse(body)
  if (!parsed.success) throw refused(parsed.error.issues[0]?.message ?? 'not valid')
  const { last_activity: lastActivity, servers = {} } = parsed.data
  return {
    user: lastActivity === undefined ? undefined : () => parseTimestamp(lastActivity, now),
    servers: Object.entries(servers).map(([name, info]) => ({
      name,
      at: () => parseTimestamp(info.last_activity, now),
    })),
  }
}

const spawnersOf = compiledQuery((db, userId: number) =>
  db.selectFrom('spawners').select(['id', 'name']).where('user_id', '=', userId),
)

function noSuchServer(name: string, user: string): HubError {
  return refused(`No such server '${printable(name)}' for user ${user}`)
}

function refused(message: string): HubError {
  return new HubError('invalid_body', { status: 400, message })
}
