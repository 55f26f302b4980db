import type { Access } from '../../access/access.ts'
import { jsonList } from '../../access/owners.ts'
import { HubError } from '../../core/errors.ts'
import { printable } from '../../core/names.ts'
import type { Clock, Logger } from '../../core/runtime.ts'
import type { Database } from '../../db/database.ts'
import { toDbTime } from '../../db/db-time.ts'
import type { UserRecord } from '../../plugin/spawner.ts'
import { effectiveScopes } from './effective-scopes.ts'
import { parseTokenId, tokenModel } from './model.ts'
import { deleteTokens, findTokenOfUser, type StoredToken, scopesOfRoles, tokensOfUser } from './store.ts'

export interface TokenRules {
  readonly database: Database
  readonly access: Access
  readonly log: Logger
  readonly clock: Clock
  /** JupyterHub's `token_expires_in_max_seconds`; 0 for no limit. */
  readonly maxLifetimeSeconds?: number
}

/** Who wants a token: the signed-in user or service, or a user who proved themselves in the body. */
export interface Requester {
  readonly kind: 'user' | 'service'
  readonly id: number
  readonly name: string
}

export interface TokenWish {
  readonly note?: string | null | undefined
  readonly expires_in?: number | null | undefined
  readonly scopes?: readonly string[] | null | undefined
  readonly roles?: readonly string[] | null | undefined
}

export async function listTokens(rules: TokenRules, user: UserRecord): Promise<Record<string, unknown>[]> {
  const tokens = await tokensOfUser(rules.database.db, user.id, toDbTime(rules.clock.now()))
  return modelsOf(rules, user, tokens)
}

/** The model of the new token with the token itself, seen this once. */
export async function makeToken(
  rules: TokenRules,
  by: Requester,
  user: UserRecord,
  wish: TokenWish,
): Promise<Record<string, unknown>> {
  const isOwn = by.kind === 'user' && by.id === user.id
  const expiresInSeconds = lifetime(wish.expires_in ?? undefined, rules.maxLifetimeSeconds ?? 0)
  const scopes = await wishedScopes(rules, wish)
  const issued = await rules.access.issueToken({
    user,
    note: wish.note || `Requested via api${isOwn ? '' : ` by ${by.kind} ${by.name}`}`,
    ...(scopes === undefined ? {} : { scopes }),
    ...(expiresInSeconds === undefined ? {} : { expiresInSeconds }),
  })
  rules.log.info({ by: by.name, user: user.name, tokenId: issued.id }, 'token issued')
  const stored = await findTokenOfUser(rules.database.db, user.id, issued.id)
  const [model] = await modelsOf(rules, user, [stored!]) // just written
  return { ...model, token: issued.token }
}

/** Throws 404, in the same words for a wrong id and for a token of somebody else. */
export async function getToken(rules: TokenRules, user: UserRecord, id: string): Promise<StoredToken> {
  const row = parseTokenId(id)
  const token = row === undefined ? undefined : await findTokenOfUser(rules.database.db, user.id, row)
  if (!token) {
    const message = `No such token ${printable(id)} for user ${printable(user.name)}`
    throw new HubError('no_such_token', { status: 404, message })
  }
  return token
}

export async function showToken(rules: TokenRules, user: UserRecord, id: string): Promise<Record<string, unknown>> {
  const [model] = await modelsOf(rules, user, [await getToken(rules, user, id)])
  return model!
}

/** Revoking a token of an OAuth client revokes all that this client holds for the user. */
export async function revokeToken(rules: TokenRules, by: Requester, user: UserRecord, id: string): Promise<void> {
  const token = await getToken(rules, user, id)
  const ofClient = token.client_id !== null && token.client_id !== 'jupyterhub'
  const which = ofClient ? { clientId: token.client_id! } : { id: token.id }
  const count = await deleteTokens(rules.database.db, user.id, which)
  rules.access.changed()
  rules.log.info({ by: by.name, user: user.name, clientId: token.client_id, count }, 'tokens revoked')
}

async function modelsOf(rules: TokenRules, user: UserRecord, tokens: readonly StoredToken[]) {
  const { database, access, clock } = rules
  const scopes = await effectiveScopes(database.db, access.scopeDefinitions, user.id, tokens, toDbTime(clock.now()))
  return tokens.map(token => tokenModel(token, user.name, scopes.get(token.id) ?? []))
}

/** Roles are turned into their scopes at once; later changes of a role do not reach the token. */
async function wishedScopes(rules: TokenRules, wish: TokenWish): Promise<readonly string[] | undefined> {
  if (!wish.roles) return wish.scopes ?? undefined
  if (wish.scopes) {
    const message = 'Can only assign one of scopes or roles when creating tokens.'
    throw new HubError('scopes_and_roles', { status: 400, message })
  }
  const known = await scopesOfRoles(rules.database.db, wish.roles)
  const missing = wish.roles.find(role => !known.has(role))
  if (missing !== undefined) {
    throw new HubError('no_such_role', { status: 400, message: `No such role: ${printable(missing)}` })
  }
  return [...known.values()].flatMap(jsonList)
}

function lifetime(wished: number | undefined, maximum: number): number | undefined {
  if (maximum === 0) return wished
  if (wished !== undefined && wished > maximum) {
    const message = `token expires_in: ${wished} must not exceed ${maximum}`
    throw new HubError('token_lifetime_invalid', { status: 400, message })
  }
  return wished ?? maximum
}
