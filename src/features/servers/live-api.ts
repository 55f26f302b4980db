/** `GET /hub/api/orrery/server-events`: the states of all servers that the caller may see, as they change. */
import type { FastifyPluginAsync } from 'fastify'
import type { Access } from '../../access/access.ts'
import { scoped } from '../../access/endpoint.ts'
import { getIdentity, may } from '../../access/guards.ts'
import type { Identity } from '../../access/identity.ts'
import { type SseEvent, sendEventStream } from '../../http/sse.ts'
import type { ServerRow } from '../../spawning/server-row.ts'
import type { Spawning } from '../../spawning/spawning.ts'
import { usageModel } from '../usage/models.ts'
import type { UsageWatch } from '../usage/usage-watch.ts'
import { visibleUsage } from '../usage/visible-usage.ts'
import { merged } from './merged.ts'
import { type ServerModelSettings, serverModel } from './model.ts'
import { watchServers } from './operations.ts'

export interface LiveServersDeps extends ServerModelSettings {
  readonly access: Access
  readonly spawning: Pick<Spawning, 'changes'>
  readonly usage: Pick<UsageWatch, 'follow'>
  /** After which a stream ends, so that whoever comes back is asked for their rights again. Default 10 minutes. */
  readonly maxStreamMs?: number
}

/**
 * The first event, `begin`, says that nothing is missed from here on: who then reads lists of users has a whole picture.
 * Each later one is `{user, server, progress}` with the server as in the model of its user, or, of the type `usage`, what
 * servers use.
 */
export function liveServersApi(deps: LiveServersDeps): FastifyPluginAsync {
  const { access, spawning, usage, maxStreamMs = 600_000 } = deps
  const model = serverModel(deps)

  return async app => {
    app.get('/hub/api/orrery/server-events', scoped(access, watchServers), async (request, reply) => {
      const identity = await getIdentity(access, request)
      return sendEventStream(request, reply, gone => {
        const over = AbortSignal.any([gone, AbortSignal.timeout(maxStreamMs)])
        return merged(visibleChanges(identity, over), visibleLooks(identity, over))
      })
    })
  }

  async function* visibleChanges(identity: Identity, signal: AbortSignal): AsyncIterable<SseEvent> {
    let hasBegun = false
    for await (const rows of spawning.changes(signal)) {
      if (!hasBegun) yield { event: 'begin', data: {} }
      hasBegun = true
      for (const row of rows) {
        if (await may(access, identity, 'read:servers', row.key)) yield { data: changeModel(row) }
      }
    }
  }

  async function* visibleLooks(identity: Identity, signal: AbortSignal): AsyncIterable<SseEvent> {
    for await (const all of usage.follow(signal)) {
      const visible = await visibleUsage(access, identity, all)
      yield { event: 'usage', data: visible.map(each => usageModel(each, 0)) }
    }
  }

  function changeModel(row: ServerRow) {
    const isStarting = row.run?.phase === 'spawning'
    return {
      user: row.key.user,
      server: model(row, { withState: false }),
      progress: isStarting ? { percent: row.run.percent, message: row.run.message } : null,
    }
  }
}
