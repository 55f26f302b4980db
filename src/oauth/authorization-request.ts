import type { Access } from '../access/access.ts'
import { jsonList, type Owner } from '../access/owners.ts'
import { HubError } from '../core/errors.ts'
import { expandScopes, type ScopeOwner, unknownScopes } from '../core/scopes/expand.ts'
import { usersInFilters } from '../core/scopes/intersect.ts'
import { parseScopes } from '../core/scopes/parse.ts'
import { type ResolvedScopes, resolveRequestedScopes } from '../core/scopes/resolve-requested.ts'
import type { Db } from '../db/database.ts'
import { findClient, type KnownClient } from './clients.ts'
import { OauthError } from './oauth-error.ts'
import type { Parameters } from './parameters.ts'
import { type PkceChallenge, readChallenge } from './pkce.ts'

const ONCE_ONLY = ['client_id', 'response_type', 'redirect_uri', 'scope', 'state']

/**
 * The client and where its answer goes. What is wrong here is told to the person, not to an address that is not
 * known to be the client's: throws HubError `oauth_request_invalid` (400), in the words of oauthlib.
 */
export async function readClient(db: Db, parameters: Parameters): Promise<KnownClient> {
  const repeated = parameters.firstRepeated(ONCE_ONLY)
  if (repeated) throw invalid(`Duplicate ${repeated} parameter.`)
  const clientId = parameters.get('client_id')
  if (!clientId) throw invalid('Missing client_id parameter.')
  const client = await findClient(db, clientId)
  if (!client) throw invalid('Invalid client_id parameter value.')
  const redirectUri = parameters.get('redirect_uri') ?? client.redirectUri
  if (!redirectUri) throw invalid('Missing redirect URI.')
  if (!redirectUri.startsWith('/') && !URL.canParse(redirectUri)) throw invalid('Invalid redirect URI.')
  if (redirectUri !== client.redirectUri) throw invalid('Mismatching redirect URI.')
  return client
}

/** Throws OauthError for what the client did wrong. */
export function readPkce(parameters: Parameters, requirePkce: boolean): PkceChallenge | undefined {
  const responseType = parameters.get('response_type')
  if (responseType === undefined) throw new OauthError('invalid_request', 'Missing response_type parameter.')
  if (responseType !== 'code') throw new OauthError('unsupported_response_type')
  return readChallenge(parameters.get('code_challenge'), parameters.get('code_challenge_method'), requirePkce)
}

/**
 * The raw scopes a client asks for, with those that every token has. Without `scope` all that the client may ask for.
 * Names of roles stand for their scopes, as in JupyterHub 2. Throws OauthError `invalid_scope` for unknown ones and
 * for those beyond what the client was registered with.
 */
export async function readRequestedScopes(
  deps: { db: Db; access: Access },
  requested: readonly string[],
  client: KnownClient,
  user: Owner,
): Promise<Set<string>> {
  const asked = requested.filter(scope => scope !== 'identify') // grants nothing; older clients send it
  const scopes = requested.length === 0 ? defaultScopes(client) : await rolesAsScopes(deps, asked)
  const wanted = new Set([...scopes, ...client.requiredScopes])
  const allowed = new Set([...client.allowedScopes, ...client.requiredScopes])
  const { disallowed } = await resolve(deps.access, wanted, allowed, client, user)
  if (disallowed.size > 0) throw new OauthError('invalid_scope')
  return wanted
}

/** Narrows to what the user may hand on. */
export async function narrowToUser(
  access: Access,
  requested: ReadonlySet<string>,
  client: KnownClient,
  user: Owner,
): Promise<ResolvedScopes> {
  return resolve(access, requested, new Set([...user.rawScopes, 'inherit', ...client.requiredScopes]), client, user)
}

async function resolve(
  access: Access,
  wanted: ReadonlySet<string>,
  have: ReadonlySet<string>,
  client: KnownClient,
  user: Owner,
) {
  const owner: ScopeOwner = { user: user.name, server: client.server, service: client.service }
  const expanded = expandScopes([...wanted, ...have], owner, access.scopeDefinitions)
  const membership = await access.membershipOf(usersInFilters(parseScopes(expanded)))
  return resolveRequestedScopes(wanted, have, owner, membership, access.scopeDefinitions)
}

function defaultScopes(client: KnownClient): string[] {
  return client.allowedScopes.has('inherit') ? ['inherit'] : [...client.allowedScopes]
}

async function rolesAsScopes({ db, access }: { db: Db; access: Access }, asked: readonly string[]): Promise<string[]> {
  if (unknownScopes(asked, access.scopeDefinitions).length === 0) return [...asked]
  const names = [...new Set(asked)]
  const roles = await db.selectFrom('roles').select('scopes').where('name', 'in', names).execute()
  if (roles.length !== names.length) throw new OauthError('invalid_scope')
  return roles.flatMap(role => jsonList(role.scopes))
}

function invalid(message: string): HubError {
  return new HubError('oauth_request_invalid', {
    status: 400,
    message,
    nextStep: 'Open the server or service again from the home page.',
  })
}
