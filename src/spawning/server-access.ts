import type { Access } from '../access/access.ts'
import { ensureOauthClient } from '../access/oauth-clients.ts'
import { expandScopes, unknownScopes } from '../core/scopes/expand.ts'
import { usersInFilters } from '../core/scopes/intersect.ts'
import { parseScopes } from '../core/scopes/parse.ts'
import { resolveRequestedScopes } from '../core/scopes/resolve-requested.ts'
import type { ServerAccess } from './context.ts'

/** Servers' tokens and OAuth clients, made by the hub's own access. */
export function serverAccess(access: Access): ServerAccess {
  return {
    // A start must not fail for what the user may not do: that is left out, as JupyterHub does it.
    scopesHeld: (user, scopes) => heldScopes(access, user, scopes),
    issueToken: (tx, token) => access.issueToken({ ...token, skipScopeCheck: true }, tx),
    ensureOauthClient: (tx, client) => ensureOauthClient(tx, { ...client, generated: true }),
    tokensRevoked: () => access.changed(),
  }
}

/** What of these raw scopes the user may hand on. Scopes that nobody defined give nothing and are left out. */
async function heldScopes(
  access: Access,
  user: { id: number; name: string },
  scopes: readonly string[],
): Promise<string[]> {
  const { scopeDefinitions: definitions } = access
  const unknown = new Set(unknownScopes(scopes, definitions))
  const wanted = scopes.filter(scope => !unknown.has(scope))
  const have = new Set([...((await access.findUser(user.id))?.rawScopes ?? []), 'inherit'])
  const owner = { user: user.name }
  const users = usersInFilters(parseScopes(expandScopes([...wanted, ...have], owner, definitions)))
  const membership = await access.membershipOf(users)
  return [...resolveRequestedScopes(wanted, have, owner, membership, definitions).allowed].sort()
}
