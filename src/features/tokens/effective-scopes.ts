import { createOwners, jsonList, type Owner } from '../../access/owners.ts'
import { accessScopes, cutScopes, HUB_CLIENT_ID, identifyScopes } from '../../access/token-check.ts'
import type { ScopeDefinitions } from '../../core/scopes/definitions.ts'
import { expandScopes } from '../../core/scopes/expand.ts'
import { parseScopes, unparseScopes } from '../../core/scopes/parse.ts'
import type { Db } from '../../db/database.ts'
import type { StoredToken } from './store.ts'

/**
 * What each of a user's tokens permits now, by id: the same as `access` finds when the token is used, but the owner
 * and the OAuth clients are read once for all of them.
 */
export async function effectiveScopes(
  db: Db,
  definitions: ScopeDefinitions,
  userId: number,
  tokens: readonly StoredToken[],
  now: string,
): Promise<Map<number, string[]>> {
  const owners = createOwners(db, definitions)
  const owner = await owners.findUser({ id: userId }, now)
  if (!owner) return new Map()
  const targets = await clientTargets(db, tokens)
  const all = await Promise.all(
    tokens.map(async token => {
      const raw = jsonList(token.scopes)
      if (raw.includes('inherit')) return [token.id, unparseScopes(owner.scopes)] as const
      const wanted = expandScopes(raw, { ...targets.get(token.client_id ?? ''), user: owner.name }, definitions)
      for (const scope of [...accessScopes(targets.get(token.client_id ?? '') ?? {}), ...identifyScopes(owner)]) {
        wanted.add(scope)
      }
      return [
        token.id,
        unparseScopes(await cutScopes(parseScopes(wanted), owner.scopes, oneRead(owners, owner))),
      ] as const
    }),
  )
  return new Map(all.map(([id, scopes]) => [id, [...scopes].sort()]))
}

type Target = { user?: string; server?: string; service?: string }

/** The server or service that each OAuth client stands for, in two reads. */
async function clientTargets(db: Db, tokens: readonly StoredToken[]): Promise<Map<string, Target>> {
  const ids = [...new Set(tokens.map(token => token.client_id))].filter(id => id !== null && id !== HUB_CLIENT_ID)
  if (ids.length === 0) return new Map()
  const [services, servers] = await Promise.all([
    db.selectFrom('services').select(['name', 'oauth_client_id']).where('oauth_client_id', 'in', ids).execute(),
    db
      .selectFrom('spawners')
      .innerJoin('users', 'users.id', 'spawners.user_id')
      .select(['users.name as user', 'spawners.name as server', 'oauth_client_id'])
      .where('oauth_client_id', 'in', ids)
      .execute(),
  ])
  const targets = new Map<string, Target>()
  for (const row of servers) targets.set(row.oauth_client_id!, { server: `${row.user}/${row.server}` })
  for (const row of services) targets.set(row.oauth_client_id!, { service: row.name })
  return targets
}

type Owners = ReturnType<typeof createOwners>

/** The owner's own groups are known; others are asked for only where a filter names them. */
function oneRead(owners: Owners, owner: Owner): Owners {
  return {
    ...owners,
    async groupsOf(users) {
      const others = [...new Set(users)].filter(name => name !== owner.name)
      const groups = others.length === 0 ? new Map<string, string[]>() : await owners.groupsOf(others)
      return groups.set(owner.name, [...owner.groups])
    },
  }
}
