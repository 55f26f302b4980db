import type { FastifyRequest } from 'fastify'
import type { Identity } from '../../access/identity.ts'
import { HubError } from '../../core/errors.ts'
import { scopeReach } from '../../core/scopes/reach.ts'
import type { ScopeReach } from '../../core/scopes/types.ts'
import { compiledQuery } from '../../db/compiled-query.ts'
import { acceptsPagination, readPage } from '../../http/pagination.ts'
import { queryValue } from '../../http/query.ts'
import type { UsersDeps } from './deps.ts'
import { userOrders, userStates } from './schemas.ts'
import { withDetails } from './user-details.ts'
import { listUsers, USER_COLUMNS, type UserQuery } from './user-list.ts'
import { type UserModelContext, userModel } from './user-model.ts'

/** A page of models that the caller may see, and how many users match in all. */
export async function readUserPage(deps: UsersDeps, request: FastifyRequest, identity: Identity) {
  const query = readUserQuery(deps, request, identity)
  const { rows, total } = await listUsers(deps.database.db, query)
  const context = modelContext(deps, identity, request)
  const users = await withDetails(deps.database.db, rows, context)
  const models = users.map(user => userModel(user, context)).filter(model => model !== undefined)
  return { models, total, page: query }
}

/** One user's model; undefined when there is no such user. */
export async function readUserModel(
  deps: UsersDeps,
  name: string,
  context: UserModelContext,
): Promise<Record<string, unknown> | undefined> {
  const [row] = await userByName(deps.database.db, name)
  const [user] = row ? await withDetails(deps.database.db, [row], context) : []
  return user && (userModel(user, context) ?? {})
}

const userByName = compiledQuery((db, name: string) =>
  db.selectFrom('users').select(USER_COLUMNS).where('name', '=', name),
)

export function modelContext(deps: UsersDeps, identity: Identity, request: FastifyRequest): UserModelContext {
  const { baseUrl, subdomains, serverModel } = deps
  return { scopes: identity.scopes, baseUrl, subdomains, serverModel, includeStopped: includesStopped(request) }
}

/** Present without a value counts as yes. */
function includesStopped(request: FastifyRequest): boolean {
  const value = queryValue(request, 'include_stopped_servers') ?? '0'
  return !['0', 'false'].includes(value.toLowerCase())
}

function readUserQuery(deps: UsersDeps, request: FastifyRequest, identity: Identity): UserQuery {
  const state = queryValue(request, 'state')
  const sort = queryValue(request, 'sort') ?? 'id'
  const order = userOrders.safeParse(sort)
  const page = readPage(request, deps.pageLimits)
  if (!order.success) {
    throw invalid(`sort must be 'id', 'name', or 'last_activity', not '${sort}'`)
  }
  const states = userStates.safeParse(state || undefined)
  if (state && !states.success) throw invalid(`Unrecognized state filter: '${state}'`)
  return {
    state: states.data,
    nameFilter: queryValue(request, 'name_filter'),
    group: groupFilter(identity, queryValue(request, 'group')),
    admin: adminFilter(queryValue(request, 'admin')),
    sort: sort.replace(/^-/, '') as UserQuery['sort'], // one of the orders
    descending: sort.startsWith('-'),
    reach: listReach(identity),
    // A bare list does not tell how many there are in all.
    counted: acceptsPagination(request),
    ...page,
  }
}

/** JupyterHub refuses a list by scopes that are held for servers only, instead of showing the owners. */
function listReach(identity: Identity): ScopeReach {
  const reach = scopeReach(identity.scopes, 'list:users')
  if (reach === undefined || (reach !== 'all' && (reach.server || reach.service))) {
    throw new HubError('scope_filter_unusable', { status: 403, message: 'Forbidden' })
  }
  return reach
}

/** Who is in a group is for those who may read it of its members. */
function groupFilter(identity: Identity, name: string | undefined): string | undefined {
  if (!name) return undefined
  const reach = scopeReach(identity.scopes, 'read:users:groups')
  if (reach === 'all' || reach?.group?.has(name)) return name
  throw new HubError('scope_missing', { status: 403, message: 'Filtering by group requires read:users:groups' })
}

function adminFilter(value: string | undefined): boolean | undefined {
  if (!value) return undefined
  if (value === 'true' || value === 'false') return value === 'true'
  throw invalid(`admin must be 'true' or 'false', not '${value}'`)
}

function invalid(message: string): HubError {
  return new HubError('invalid_query', { status: 400, message })
}
