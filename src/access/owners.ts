import type { ScopeDefinitions } from '../core/scopes/definitions.ts'
import { expandScopes, type ScopeOwner } from '../core/scopes/expand.ts'
import { parseScopes, splitScope } from '../core/scopes/parse.ts'
import type { ScopeMap } from '../core/scopes/types.ts'
import type { Db } from '../db/database.ts'
import type { HotUser } from '../db/hot.ts'

/** A user or service with all it may do. */
export interface Owner {
  readonly kind: 'user' | 'service'
  readonly id: number
  readonly name: string
  readonly admin: boolean
  readonly groups: readonly string[]
  /** Roles, roles of groups, and what was shared. */
  readonly scopes: ScopeMap
  /** As they stand in the roles. */
  readonly rawScopes: ReadonlySet<string>
  readonly lastActivity: string | null
  /** Value of the login cookie; empty for services. */
  readonly cookieId: string
}

export interface Owners {
  findUser(by: { id: number }, now: string): Promise<Owner | undefined>
  /** Adds groups, roles and shares to a row that was read already. */
  ofUser(user: HotUser, now: string): Promise<Owner>
  findService(id: number): Promise<Owner | undefined>
  groupsOf(users: Iterable<string>): Promise<Map<string, string[]>>
}

/** Reads who holds what. `now` is a database time: shares that ran out by then count no more. */
export function createOwners(db: Db, definitions: ScopeDefinitions): Owners {
  return {
    async findUser({ id }, now) {
      const user = await db
        .selectFrom('users')
        .select(['id', 'name', 'admin', 'cookie_id', 'last_activity'])
        .where('id', '=', id)
        .executeTakeFirst()
      return user && ofUser(user, now)
    },

    ofUser,

    async findService(id) {
      const service = await db
        .selectFrom('services')
        .select(['id', 'name', 'admin'])
        .where('id', '=', id)
        .executeTakeFirst()
      if (!service) return undefined
      const rows = await db
        .selectFrom('roles')
        .innerJoin('service_role_map', 'service_role_map.role_id', 'roles.id')
        .where('service_role_map.service_id', '=', id)
        .select('roles.scopes')
        .execute()
      const rawScopes = scopesOfRows(rows)
      const scopes = parseScopes(expandScopes(rawScopes, { service: service.name }, definitions))
      return { ...service, kind: 'service', groups: [], scopes, rawScopes, lastActivity: null, cookieId: '' }
    },

    async groupsOf(users) {
      const names = [...new Set(users)]
      const groups = new Map<string, string[]>(names.map(name => [name, []]))
      if (names.length === 0) return groups
      const rows = await db
        .selectFrom('user_group_map')
        .innerJoin('users', 'users.id', 'user_group_map.user_id')
        .innerJoin('groups', 'groups.id', 'user_group_map.group_id')
        .where('users.name', 'in', names)
        .select(['users.name as user', 'groups.name as group'])
        .execute()
      for (const row of rows) groups.get(row.user)?.push(row.group)
      return groups
    },
  }

  async function ofUser(user: HotUser, now: string): Promise<Owner> {
    const [groups, roleScopes, shared] = await Promise.all([
      userGroups(user.id),
      userRoleScopes(user.id),
      sharedScopes(user.id, now),
    ])
    const expanded = expandScopes(roleScopes, { user: user.name }, definitions)
    return {
      kind: 'user',
      id: user.id,
      name: user.name,
      admin: user.admin,
      groups,
      scopes: parseScopes([...expanded, ...expandScopes(shared, {}, definitions)]),
      rawScopes: roleScopes,
      lastActivity: user.last_activity,
      cookieId: user.cookie_id,
    }
  }

  async function userGroups(userId: number): Promise<string[]> {
    const rows = await db
      .selectFrom('groups')
      .innerJoin('user_group_map', 'user_group_map.group_id', 'groups.id')
      .where('user_group_map.user_id', '=', userId)
      .select('groups.name')
      .orderBy('groups.name')
      .execute()
    return rows.map(row => row.name)
  }

  async function userRoleScopes(userId: number): Promise<Set<string>> {
    const own = db
      .selectFrom('roles')
      .innerJoin('user_role_map', 'user_role_map.role_id', 'roles.id')
      .where('user_role_map.user_id', '=', userId)
      .select('roles.scopes')
    const throughGroups = db
      .selectFrom('roles')
      .innerJoin('group_role_map', 'group_role_map.role_id', 'roles.id')
      .innerJoin('user_group_map', 'user_group_map.group_id', 'group_role_map.group_id')
      .where('user_group_map.user_id', '=', userId)
      .select('roles.scopes')
    return scopesOfRows(await own.unionAll(throughGroups).execute())
  }

  /** What others shared with a user or their groups, each held to the one server that the share is for. */
  async function sharedScopes(userId: number, now: string): Promise<Set<string>> {
    const rows = await db
      .selectFrom('shares')
      .innerJoin('users as sharer', 'sharer.id', 'shares.owner_id')
      .innerJoin('spawners', 'spawners.id', 'shares.spawner_id')
      .where(where =>
        where.or([
          where('shares.user_id', '=', userId),
          where(
            'shares.group_id',
            'in',
            db.selectFrom('user_group_map').select('group_id').where('user_id', '=', userId),
          ),
        ]),
      )
      .where(where => where.or([where('shares.expires_at', 'is', null), where('shares.expires_at', '>=', now)]))
      .select(['shares.scopes', 'sharer.name as user', 'spawners.name as server'])
      .execute()
    return new Set(
      rows.flatMap(row =>
        jsonList(row.scopes).map(scope => `${splitScope(scope).base}!server=${row.user}/${row.server}`),
      ),
    )
  }
}

/** The server or service that an OAuth client stands for, to fill `!server` and `!service` in. */
export async function clientTarget(db: Db, clientId: string): Promise<Pick<ScopeOwner, 'server' | 'service'>> {
  const service = await db
    .selectFrom('services')
    .select('name')
    .where('oauth_client_id', '=', clientId)
    .executeTakeFirst()
  if (service) return { service: service.name }
  const spawner = await db
    .selectFrom('spawners')
    .innerJoin('users', 'users.id', 'spawners.user_id')
    .where('spawners.oauth_client_id', '=', clientId)
    .select(['users.name as user', 'spawners.name as server'])
    .executeTakeFirst()
  return spawner ? { server: `${spawner.user}/${spawner.server}` } : {}
}

/** A JSON list of texts out of the database; anything else counts as empty. */
export function jsonList(text: string | null): string[] {
  if (!text) return []
  try {
    const list: unknown = JSON.parse(text)
    return Array.isArray(list) ? list.filter(item => typeof item === 'string') : []
  } catch {
    return []
  }
}

function scopesOfRows(rows: readonly { scopes: string | null }[]): Set<string> {
  return new Set(rows.flatMap(row => jsonList(row.scopes)))
}
