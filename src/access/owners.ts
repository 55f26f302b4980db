import type { ScopeDefinitions } from '../core/scopes/definitions.ts'
import { expandScopes, expandToMap, type ScopeOwner } from '../core/scopes/expand.ts'
import { splitScope, withScopes } from '../core/scopes/parse.ts'
import type { ScopeMap } from '../core/scopes/types.ts'
import type { Db } from '../db/database.ts'
import type { HotUser } from '../db/hot.ts'
import { ownerQueries } from './owner-queries.ts'

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
      const [user] = await ownerQueries.user(db, id)
      return user && ofUser(user, now)
    },

    ofUser,

    async findService(id) {
      const [service] = await ownerQueries.service(db, id)
      if (!service) return undefined
      const rawScopes = scopesOfRows(await ownerQueries.rolesOfService(db, id))
      const scopes = expandToMap(rawScopes, { service: service.name }, definitions)
      return { ...service, kind: 'service', groups: [], scopes, rawScopes, lastActivity: null, cookieId: '' }
    },

    async groupsOf(users) {
      const names = [...new Set(users)]
      const groups = new Map<string, string[]>(names.map(name => [name, []]))
      if (names.length === 0) return groups
      const rows = await ownerQueries.groupsOfUsers(db, names)
      for (const row of rows) groups.get(row.user)?.push(row.group)
      return groups
    },
  }

  async function ofUser(user: HotUser, now: string): Promise<Owner> {
    const [groups, roles, shares] = await Promise.all([
      ownerQueries.groupsOfUser(db, user.id),
      ownerQueries.rolesOfUser(db, user.id),
      ownerQueries.sharesWithUser(db, user.id, now),
    ])
    const roleScopes = scopesOfRows(roles)
    const held = expandToMap(roleScopes, { user: user.name }, definitions)
    const shared = shares.flatMap(scopesOfShare)
    return {
      kind: 'user',
      id: user.id,
      name: user.name,
      admin: user.admin,
      groups: groups.map(group => group.name),
      scopes: shared.length === 0 ? held : withScopes(held, expandScopes(shared, {}, definitions)),
      rawScopes: roleScopes,
      lastActivity: user.last_activity,
      cookieId: user.cookie_id,
    }
  }
}

/** Each share is held to the one server that it is for. */
function scopesOfShare(share: { scopes: string | null; user: string; server: string }): string[] {
  return jsonList(share.scopes).map(scope => `${splitScope(scope).base}!server=${share.user}/${share.server}`)
}

/** The server or service that an OAuth client stands for, to fill `!server` and `!service` in. */
export async function clientTarget(db: Db, clientId: string): Promise<Pick<ScopeOwner, 'server' | 'service'>> {
  const [service] = await ownerQueries.serviceOfClient(db, clientId)
  if (service) return { service: service.name }
  const [spawner] = await ownerQueries.serverOfClient(db, clientId)
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
