/** `GET /hub/api/orrery/tokens`: whose tokens there are. JupyterHub tells of one user at a time. */
import type { FastifyPluginAsync } from 'fastify'
import type { Access } from '../../access/access.ts'
import { scoped } from '../../access/endpoint.ts'
import { getIdentity } from '../../access/guards.ts'
import { jsonList } from '../../access/owners.ts'
import type { Clock } from '../../core/runtime.ts'
import { scopeReach } from '../../core/scopes/reach.ts'
import type { Database } from '../../db/database.ts'
import { toDbTime } from '../../db/db-time.ts'
import { type PageLimits, pageEnvelope, readPage } from '../../http/pagination.ts'
import { parseQuery } from '../../http/query.ts'
import { type AllTokensQuery, listAllTokens, type OwnedToken } from './all-tokens.ts'
import { tokenModel } from './model.ts'
import { listAllTokens as operation } from './operations.ts'
import { allTokensQuery } from './schemas.ts'

export interface AllTokensDeps {
  readonly database: Database
  readonly access: Access
  readonly clock: Clock
  readonly pageLimits?: PageLimits
}

export function allTokensApi({ database, access, clock, pageLimits }: AllTokensDeps): FastifyPluginAsync {
  return async server => {
    server.get('/hub/api/orrery/tokens', scoped(access, operation), async request => {
      const { scopes } = await getIdentity(access, request)
      const page = readPage(request, pageLimits)
      const { name_filter: nameFilter, kind, sort = '-id' } = parseQuery(request, allTokensQuery)
      const { rows, total } = await listAllTokens(database.db, {
        nameFilter,
        kind,
        sort: sort.replace(/^-/, '') as AllTokensQuery['sort'], // one of the orders
        descending: sort.startsWith('-'),
        reach: scopeReach(scopes, 'read:tokens') ?? {}, // the guard has seen some reach
        now: toDbTime(clock.now()),
        ...page,
      })
      return pageEnvelope(request, rows.map(allTokensModel), page, total)
    })
  }
}

/** Scopes as they were granted: what they permit now takes a look at every owner. */
function allTokensModel(token: OwnedToken): Record<string, unknown> {
  const { kind, name } = token.owner
  return {
    ...tokenModel(token, name, jsonList(token.scopes)),
    user: kind === 'user' ? name : null,
    service: kind === 'service' ? name : null,
  }
}
