import type { ScopeMap, ScopeTarget } from '../../core/scopes/types.ts'
import type { ServerState } from '../../core/server-state.ts'
import { type SiteAddresses, userUrl } from '../../core/subdomains.ts'
import { jsonTime } from '../../http/json-time.ts'
import { holds, visibleFields } from '../../http/visible-fields.ts'
import type { ServerRow } from '../../spawning/server-row.ts'
import { serverState } from '../../spawning/server-state.ts'
import type { UserDetails } from './user-details.ts'

/** How one server looks in the API; made by `features/servers`. `withState`: the caller holds `admin:server_state`. */
export type ServerModelOf = (row: ServerRow, options: { withState: boolean }) => Record<string, unknown>

export interface UserModelContext extends SiteAddresses {
  readonly scopes: ScopeMap
  readonly includeStopped: boolean
  readonly serverModel: ServerModelOf
}

/** Which scope shows which fields, as JupyterHub's `user_model` has it. */
const FIELDS_OF: Readonly<Record<string, readonly string[]>> = {
  'read:users': [
    'kind',
    'name',
    'user_info',
    'admin',
    'roles',
    'groups',
    'server',
    'pending',
    'created',
    'last_activity',
  ],
  'read:users:name': ['kind', 'name', 'user_info', 'admin'],
  'read:users:groups': ['kind', 'name', 'groups'],
  'read:users:activity': ['kind', 'name', 'last_activity'],
  'read:servers': ['kind', 'name', 'servers'],
  'read:roles:users': ['kind', 'name', 'roles', 'admin'],
  'admin:auth_state': ['kind', 'name', 'auth_state'],
}

/** Of a user who is seen whole, but for their servers. */
const ALL_FIELDS = [...new Set(Object.values(FIELDS_OF).flat())].filter(field => field !== 'servers')

/** A user as far as the caller may see them; undefined when they may see nothing. `auth_state` is filled in elsewhere. */
export function userModel(user: UserDetails, context: UserModelContext): Record<string, unknown> | undefined {
  const visible = visibleFields(context.scopes, FIELDS_OF, { user: user.name, groups: user.groups })
  if (visible.size === 0) return undefined
  const servers = user.servers.map(row => ({ row, phase: serverState(row, context.baseUrl).phase }))
  const main = servers.find(({ row }) => row.key.server === '')?.phase
  const all: Record<string, unknown> = {
    kind: 'user',
    name: user.name,
    admin: user.admin,
    roles: user.roles,
    groups: user.groups,
    server: main === 'ready' ? userUrl(user.name, context) : null,
    pending: pendingOf(main),
    created: jsonTime(user.created),
    last_activity: jsonTime(user.last_activity),
    auth_state: null,
    user_info: user.user_info === null ? null : JSON.parse(user.user_info),
  }
  const model = ALL_FIELDS.every(field => visible.has(field)) ? all : onlyVisible(all, visible)
  const shown = serverModels(user, servers, context)
  if (visible.has('servers') || Object.keys(shown).length > 0) model.servers = shown
  return model
}

function onlyVisible(all: Record<string, unknown>, visible: ReadonlySet<string>): Record<string, unknown> {
  const some: Record<string, unknown> = {}
  for (const field in all) if (visible.has(field)) some[field] = all[field]
  return some
}

/** A server and what it does, found out once. */
interface KnownServer {
  readonly row: ServerRow
  readonly phase: ServerState['phase']
}

function serverModels(
  user: UserDetails,
  servers: readonly KnownServer[],
  context: UserModelContext,
): Record<string, unknown> {
  if (servers.length === 0) return {}
  const shown = servers.filter(({ row, phase }) => {
    const isShown = context.includeStopped || phase === 'ready' || pendingOf(phase) !== null
    return isShown && holds(context.scopes, 'read:servers', targetOf(user, row))
  })
  return Object.fromEntries(
    shown.map(({ row }) => {
      const withState = holds(context.scopes, 'admin:server_state', targetOf(user, row))
      return [row.key.server, context.serverModel(row, { withState })]
    }),
  )
}

function targetOf(user: UserDetails, row: ServerRow): ScopeTarget {
  return { user: user.name, server: row.key.server, groups: user.groups }
}

function pendingOf(phase: ServerState['phase'] | undefined): 'spawn' | 'stop' | null {
  if (phase === 'spawning') return 'spawn'
  return phase === 'stopping' ? 'stop' : null
}
