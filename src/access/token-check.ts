import { hash } from 'node:crypto'
import type { ScopeDefinitions } from '../core/scopes/definitions.ts'
import { expandScopes } from '../core/scopes/expand.ts'
import { hasGroupFilter, intersectMaps, usersInFilters } from '../core/scopes/intersect.ts'
import { parseScopes } from '../core/scopes/parse.ts'
import type { ScopeMap } from '../core/scopes/types.ts'
import type { Db } from '../db/database.ts'
import type { HotReads, HotToken } from '../db/hot.ts'
import { clientTarget, jsonList, type Owner, type Owners } from './owners.ts'
import { MAX_TOKEN_LENGTH, tokenPrefix, verifyToken } from './token-format.ts'

/** The OAuth client in whose name the hub itself issues tokens. */
export const HUB_CLIENT_ID = 'jupyterhub'

/** A token that exists and has not run out, with its owner and what it permits right now. */
export interface CheckedToken {
  readonly id: number
  readonly clientId: string
  readonly sessionId: string | undefined
  readonly note: string
  readonly expiresAt: string | null
  readonly lastActivity: string | null
  readonly owner: Owner
  readonly scopes: ScopeMap
}

/** Finds the row of a token by its prefix among those that have not run out, and verifies the hash. */
export async function findTokenRow(
  reads: Pick<HotReads, 'findTokens'>,
  token: string,
  now: string,
): Promise<HotToken | undefined> {
  if (token.length > MAX_TOKEN_LENGTH) return undefined
  const rows = await reads.findTokens(tokenPrefix(token))
  return rows.find(row => (row.expires_at === null || row.expires_at >= now) && verifyToken(row.hashed, token))
}

/** A key for caches that does not give the token away. */
export function tokenKey(token: string): string {
  return hash('sha256', token, 'base64')
}

/**
 * What a token permits: its own scopes, filled in for owner and client, the right to open what it was issued for, and
 * to name its owner; all of it cut to what the owner may do at this moment. `inherit` is everything of the owner.
 */
export async function tokenScopes(
  row: Pick<HotToken, 'scopes' | 'client_id'>,
  owner: Owner,
  deps: { db: Db; owners: Owners; definitions: ScopeDefinitions },
): Promise<ScopeMap> {
  const raw = jsonList(row.scopes)
  if (raw.includes('inherit')) return owner.scopes
  const target = row.client_id && row.client_id !== HUB_CLIENT_ID ? await clientTarget(deps.db, row.client_id) : {}
  const expanded = expandScopes(raw, { [owner.kind]: owner.name, ...target }, deps.definitions)
  for (const scope of [...accessScopes(target), ...identifyScopes(owner)]) expanded.add(scope)
  return cutScopes(parseScopes(expanded), owner.scopes, deps.owners)
}

/** Intersects, asking the database for groups only where a filter needs them. */
export async function cutScopes(wanted: ScopeMap, held: ScopeMap, owners: Owners): Promise<ScopeMap> {
  const groups =
    hasGroupFilter(wanted) || hasGroupFilter(held)
      ? await owners.groupsOf([...usersInFilters(wanted), ...usersInFilters(held)])
      : new Map<string, string[]>()
  return intersectMaps(wanted, held, { groupsOf: user => groups.get(user) ?? [] })
}

/** Scopes that let somebody be named. */
export function identifyScopes(owner: { kind: 'user' | 'service'; name: string }): string[] {
  return owner.kind === 'user'
    ? [`read:users:name!user=${owner.name}`, `read:users:groups!user=${owner.name}`]
    : [`read:services:name!service=${owner.name}`]
}

/** Scopes that open the server or service an OAuth client stands for. */
export function accessScopes(target: { server?: string | undefined; service?: string | undefined }): string[] {
  if (target.server !== undefined) return [`access:servers!server=${target.server}`]
  return target.service !== undefined ? [`access:services!service=${target.service}`] : []
}
