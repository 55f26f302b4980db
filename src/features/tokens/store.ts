import { compiledQuery } from '../../db/compiled-query.ts'
import type { Db } from '../../db/database.ts'

export interface StoredToken {
  readonly id: number
  readonly client_id: string | null
  readonly session_id: string | null
  readonly created: string | null
  readonly expires_at: string | null
  readonly last_activity: string | null
  readonly note: string | null
  /** JSON text. */
  readonly scopes: string | null
  /** What its OAuth client calls itself. */
  readonly oauth_client: string
}

/** Tokens of a user that have not run out, the longest unused first. `now` is a database time. */
export async function tokensOfUser(db: Db, userId: number, now: string): Promise<StoredToken[]> {
  const rows = await tokens(db)
    .where('api_tokens.user_id', '=', userId)
    .where(where => where.or([where('expires_at', 'is', null), where('expires_at', '>=', now)]))
    .orderBy('api_tokens.id')
    .execute()
  return rows.map(toToken).sort((a, b) => compare(lastUse(a), lastUse(b)))
}

export async function findTokenOfUser(db: Db, userId: number, id: number): Promise<StoredToken | undefined> {
  const [row] = await tokenOfUser(db, userId, id)
  return row && toToken(row)
}

/** Deletes one, or for an OAuth client all that it holds for this user. Returns how many. */
export async function deleteTokens(
  db: Db,
  userId: number,
  which: { id: number } | { clientId: string },
): Promise<number> {
  const { numDeletedRows } = await db
    .deleteFrom('api_tokens')
    .where('user_id', '=', userId)
    .where('id' in which ? 'id' : 'client_id', '=', 'id' in which ? which.id : which.clientId)
    .executeTakeFirst()
  return Number(numDeletedRows)
}

/** Raw scopes of roles by name; a missing role is missing in the map. */
export async function scopesOfRoles(db: Db, names: readonly string[]): Promise<Map<string, string | null>> {
  if (names.length === 0) return new Map()
  const rows = await db.selectFrom('roles').select(['name', 'scopes']).where('name', 'in', names).execute()
  return new Map(rows.map(row => [row.name, row.scopes]))
}

function tokens(db: Db) {
  return db
    .selectFrom('api_tokens')
    .leftJoin('oauth_clients as client', 'client.identifier', 'api_tokens.client_id')
    .select(['api_tokens.id', 'client_id', 'session_id', 'created', 'expires_at', 'last_activity', 'note', 'scopes'])
    .select(['client.description', 'client.identifier'])
}

const tokenOfUser = compiledQuery((db, userId: number, id: number) =>
  tokens(db).where('api_tokens.user_id', '=', userId).where('api_tokens.id', '=', id),
)

function toToken(row: Awaited<ReturnType<ReturnType<typeof tokens>['execute']>>[number]): StoredToken {
  const { description, identifier, ...token } = row
  return { ...token, oauth_client: description || identifier || '' }
}

function lastUse(token: StoredToken): string {
  return token.last_activity ?? token.created ?? ''
}

function compare(a: string, b: string): number {
  return a < b ? -1 : Number(a > b)
}
