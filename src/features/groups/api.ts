import type { FastifyPluginAsync, FastifyRequest } from 'fastify'
import type { Access } from '../../access/access.ts'
import { scoped } from '../../access/endpoint.ts'
import { getIdentity } from '../../access/guards.ts'
import { HubError } from '../../core/errors.ts'
import { scopeReach } from '../../core/scopes/reach.ts'
import type { ScopeMap, ScopeReach } from '../../core/scopes/types.ts'
import { parseBody } from '../../http/json-body.ts'
import { type PageLimits, pageBody, readPage } from '../../http/pagination.ts'
import { queryValue } from '../../http/query.ts'
import { groupModel } from './model.ts'
import * as operations from './operations.ts'
import { createGroups, type GroupRules, getGroup, membersNamed } from './rules.ts'
import { groupMembers, groupProperties, newGroup, newGroups } from './schemas.ts'
import {
  addMembers,
  deleteGroup,
  type GroupRow,
  listGroups,
  removeMembers,
  setProperties,
  withMemberCounts,
  withMembers,
} from './store.ts'

export interface GroupsDeps extends GroupRules {
  readonly access: Access
  readonly pageLimits?: PageLimits
}

type Named = { Params: { name: string } }

/** JupyterHub's endpoints of groups: `/hub/api/groups` and below. */
export function groupsApi(deps: GroupsDeps): FastifyPluginAsync {
  const { access, database, log } = deps
  const { db } = database
  const which = (request: FastifyRequest) => ({ group: (request.params as Named['Params']).name })

  return async server => {
    server.get('/hub/api/groups', scoped(access, operations.listGroups), async request => {
      const { scopes } = await getIdentity(access, request)
      const page = readPage(request, deps.pageLimits)
      const { rows, total } = await listGroups(db, listReach(scopes), page)
      // Not in JupyterHub: a list of groups need not carry every member of each.
      const isCounted = queryValue(request, 'users') === 'count'
      const groups = await (isCounted ? withMemberCounts : withMembers)(db, rows)
      return pageBody(
        request,
        groups.map(group => groupModel(group, scopes)),
        page,
        total,
      )
    })

    server.post('/hub/api/groups', scoped(access, operations.createGroups), async (request, reply) => {
      const { scopes, name: by } = await getIdentity(access, request)
      namesSomeGroup(request.body)
      const { groups, users = [] } = parseBody(request, newGroups)
      return reply.code(201).send(await modelsOf(await createGroups(deps, by, { groups, users }), scopes))
    })

    server.get<Named>('/hub/api/groups/:name', scoped(access, operations.getGroup, which), async request =>
      modelOf(request, await getGroup(db, request.params.name)),
    )

    server.post<Named>(
      '/hub/api/groups/:name',
      scoped(access, operations.createGroup, which),
      async (request, reply) => {
        const { name: by } = await getIdentity(access, request)
        const users = parseBody(request, newGroup)?.users ?? []
        const [group] = await createGroups(deps, by, { groups: [request.params.name], users })
        return reply.code(201).send(await modelOf(request, group!)) // one was asked for
      },
    )

    server.delete<Named>(
      '/hub/api/groups/:name',
      scoped(access, operations.deleteGroup, which),
      async (request, reply) => {
        const { name: by } = await getIdentity(access, request)
        const group = await getGroup(db, request.params.name)
        await deleteGroup(db, group.id)
        log.info({ by, group: group.name }, 'group deleted')
        return reply.code(204).send()
      },
    )

    const members = '/hub/api/groups/:name/users'
    server.post<Named>(members, scoped(access, operations.addMembers, which), request => changeMembers(request, 'add'))
    server.delete<Named>(members, scoped(access, operations.removeMembers, which), request =>
      changeMembers(request, 'delete'),
    )

    server.put<Named>(
      '/hub/api/groups/:name/properties',
      scoped(access, operations.setProperties, which),
      async request => {
        const { name: by } = await getIdentity(access, request)
        const group = await getGroup(db, request.params.name)
        const properties = parseBody(request, groupProperties, 'Must specify properties')
        await setProperties(db, group.id, properties)
        log.info({ by, group: group.name }, 'group properties changed')
        return modelOf(request, { ...group, properties: JSON.stringify(properties) })
      },
    )
  }

  async function changeMembers(request: FastifyRequest, change: 'add' | 'delete') {
    const { name: by } = await getIdentity(access, request)
    const group = await getGroup(db, which(request).group)
    const { users } = parseBody(request, groupMembers)
    if (!users) throw new HubError('no_user_names', { status: 400, message: `Must specify users to ${change}` })
    const members = await membersNamed(db, users.map(deps.normalizeUserName))
    await (change === 'add' ? addMembers : removeMembers)(db, group.id, members)
    log.info({ by, group: group.name, users: members.length }, change === 'add' ? 'group joined' : 'group left')
    return modelOf(request, group)
  }

  async function modelOf(request: FastifyRequest, group: GroupRow) {
    const { scopes } = await getIdentity(access, request)
    return (await modelsOf([group], scopes))[0]
  }

  async function modelsOf(groups: readonly GroupRow[], scopes: ScopeMap) {
    return (await withMembers(db, groups)).map(group => groupModel(group, scopes))
  }
}

/** JupyterHub refuses a list by scopes that are held for something else than groups. */
function listReach(scopes: ScopeMap): ScopeReach {
  const reach = scopeReach(scopes, 'list:groups')
  if (reach === undefined || (reach !== 'all' && (reach.user || reach.server || reach.service))) {
    throw new HubError('scope_filter_unusable', { status: 403, message: 'Forbidden' })
  }
  return reach
}

function namesSomeGroup(body: unknown): void {
  const groups = (body as { groups?: unknown } | null | undefined)?.groups
  if (Array.isArray(groups) ? groups.length > 0 : groups) return
  throw new HubError('no_group_names', { status: 400, message: 'Must specify at least one group to create' })
}
