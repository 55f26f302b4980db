import { clientTarget, jsonList } from '../access/owners.ts'
import { accessScopes } from '../access/token-check.ts'
import { verifyToken } from '../access/token-format.ts'
import type { ScopeTarget } from '../core/scopes/types.ts'
import type { Db } from '../db/database.ts'
import { OauthError } from './oauth-error.ts'

/** A registered client and what it stands for. */
export interface KnownClient {
  readonly identifier: string
  readonly description: string
  readonly redirectUri: string
  readonly allowedScopes: ReadonlySet<string>
  /** Server or service behind it, for `!server` and `!service`. */
  readonly server: string | undefined
  readonly service: string | undefined
  /** Scope and target that a person needs to enter; undefined when nothing is behind the client any more. */
  readonly entry: { scope: 'access:servers' | 'access:services'; target: ScopeTarget } | undefined
  /** What every token for it permits: to name its owner and to enter. Raw. */
  readonly requiredScopes: readonly string[]
}

/** Clients without a secret (the hub itself) cannot be signed in with. */
export async function findClient(db: Db, identifier: string): Promise<KnownClient | undefined> {
  const row = await db.selectFrom('oauth_clients').selectAll().where('identifier', '=', identifier).executeTakeFirst()
  if (!row?.secret) return undefined
  const target = await clientTarget(db, identifier)
  return {
    identifier,
    description: row.description || identifier,
    redirectUri: row.redirect_uri ?? '',
    allowedScopes: new Set(jsonList(row.allowed_scopes)),
    server: target.server,
    service: target.service,
    entry: entryOf(target),
    requiredScopes: ['read:users:name!user', 'read:users:groups!user', ...accessScopes(target)],
  }
}

/** Throws OauthError `invalid_client` (401) unless id and secret belong together. */
export async function authenticateClient(
  db: Db,
  given: { id: string | undefined; secret: string | undefined; scheme: 'Bearer' | 'Basic' },
): Promise<{ identifier: string; redirectUri: string }> {
  const row = given.id
    ? await db
        .selectFrom('oauth_clients')
        .select(['secret', 'redirect_uri'])
        .where('identifier', '=', given.id)
        .executeTakeFirst()
    : undefined
  if (!given.id || !given.secret || !row?.secret || !verifyToken(row.secret, given.secret)) {
    throw new OauthError('invalid_client', '', { status: 401, scheme: given.scheme })
  }
  return { identifier: given.id, redirectUri: row.redirect_uri ?? '' }
}

function entryOf(target: { server?: string | undefined; service?: string | undefined }): KnownClient['entry'] {
  if (target.server !== undefined) {
    const slash = target.server.indexOf('/')
    const [user, server] = [target.server.slice(0, slash), target.server.slice(slash + 1)]
    return { scope: 'access:servers', target: { user, server } }
  }
  return target.service === undefined ? undefined : { scope: 'access:services', target: { service: target.service } }
}
