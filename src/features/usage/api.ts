/** `GET /hub/api/orrery/usage`: what running servers use. `GET /hub/api/orrery/machine`: what the machine uses. */
import type { FastifyPluginAsync } from 'fastify'
import type { Access } from '../../access/access.ts'
import { scoped } from '../../access/endpoint.ts'
import { getIdentity } from '../../access/guards.ts'
import type { Clock } from '../../core/runtime.ts'
import type { Database } from '../../db/database.ts'
import { type PageLimits, pageEnvelope, readPage } from '../../http/pagination.ts'
import { parseQuery } from '../../http/query.ts'
import { readMachineSamples } from './machine-samples.ts'
import { machineModel, usageModel } from './models.ts'
import { listUsage, showMachine } from './operations.ts'
import { machineQuery, usageQuery } from './schemas.ts'
import type { UsageOfServer } from './usage-history.ts'
import type { UsageWatch } from './usage-watch.ts'
import { visibleUsage } from './visible-usage.ts'

export interface UsageDeps {
  readonly access: Access
  readonly database: Database
  readonly usage: Pick<UsageWatch, 'all' | 'ofUser' | 'machine'>
  readonly clock: Clock
  readonly pageLimits?: PageLimits
}

export function usageApi({ access, database, usage, clock, pageLimits }: UsageDeps): FastifyPluginAsync {
  return async server => {
    server.get('/hub/api/orrery/usage', scoped(access, listUsage), async request => {
      const identity = await getIdentity(access, request)
      const { user, points = 0 } = parseQuery(request, usageQuery)
      const page = readPage(request, pageLimits)
      const all = user === undefined ? await usage.all() : [...(await usage.ofUser(user)).values()]
      const visible = await visibleUsage(access, identity, all)
      const shown = visible.sort(byName).slice(page.offset, page.offset + page.limit)
      const models = shown.map(each => usageModel(each, points))
      return pageEnvelope(request, models, page, visible.length)
    })

    server.get('/hub/api/orrery/machine', scoped(access, showMachine), async request => {
      const { points = 0 } = parseQuery(request, machineQuery)
      const at = clock.now()
      const samples = points === 0 ? [] : await readMachineSamples(database, at)
      return machineModel(await usage.machine(), samples, points, at)
    })
  }
}

function byName({ key: a }: UsageOfServer, { key: b }: UsageOfServer): number {
  if (a.user !== b.user) return a.user < b.user ? -1 : 1
  return a.server < b.server ? -1 : 1
}
