import { jsonList } from '../access/owners.ts'
import { type ScopeDefinitions, scopeDefinitions } from '../core/scopes/definitions.ts'
import { describeScopes } from '../core/scopes/describe.ts'
import type { Db } from '../db/database.ts'
import { toDbTime } from '../db/db-time.ts'
import type { KnownClient } from './clients.ts'

/** Variables of JupyterHub's template `oauth.html`. */
export interface ConsentVars {
  readonly oauth_client: { readonly identifier: string; readonly description: string; readonly redirect_uri: string }
  /** Raw; the form sends them back as `scopes`. */
  readonly allowed_scopes: readonly string[]
  readonly scope_descriptions: readonly { scope: string | null; description: string; filter: string }[]
  readonly xsrf: string
  readonly user: { readonly name: string; readonly admin: boolean }
  readonly auth_state: null
}

/**
 * Must the person be asked? Not for their own servers, for services that the administrator vouches for
 * (`oauth_no_confirm`), and for what they granted before and still stands.
 */
export async function needsConsent(
  db: Db,
  user: { id: number },
  client: KnownClient,
  scopes: ReadonlySet<string>,
  now: Date,
): Promise<boolean> {
  const { identifier } = client
  const own = await db
    .selectFrom('spawners')
    .select('id')
    .where('oauth_client_id', '=', identifier)
    .where('user_id', '=', user.id)
    .executeTakeFirst()
  if (own) return false
  const service = await db
    .selectFrom('services')
    .select('oauth_no_confirm')
    .where('oauth_client_id', '=', identifier)
    .executeTakeFirst()
  if (service?.oauth_no_confirm) return false
  const tokens = await db
    .selectFrom('api_tokens')
    .select('scopes')
    .where('user_id', '=', user.id)
    .where('client_id', '=', identifier)
    .where(where => where.or([where('expires_at', 'is', null), where('expires_at', '>=', toDbTime(now))]))
    .execute()
  const granted = new Set(tokens.flatMap(token => jsonList(token.scopes)))
  return ![...scopes].every(scope => granted.has(scope))
}

/** What the page asks, in words; scopes that every token has are not worth a question. */
export function consentScopes(
  client: KnownClient,
  scopes: ReadonlySet<string>,
  userName: string,
  definitions: ScopeDefinitions = scopeDefinitions,
): Pick<ConsentVars, 'allowed_scopes' | 'scope_descriptions'> {
  const required = new Set(
    client.requiredScopes.flatMap(scope => [scope, scope.replace(/!user$/, `!user=${userName}`)]),
  )
  const asked = [...scopes].filter(scope => !required.has(scope)).sort()
  if (asked.length === 0) {
    const description = definitions['(no_scope)']!.description
    return { allowed_scopes: [...scopes], scope_descriptions: [{ scope: null, description, filter: '' }] }
  }
  const told = asked.includes('inherit') ? ['inherit'] : asked
  return {
    allowed_scopes: asked.includes('inherit') ? told : [...scopes],
    scope_descriptions: describeScopes(told, userName, definitions).map(described => ({ filter: '', ...described })),
  }
}
