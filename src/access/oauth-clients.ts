import type { Insertable } from 'kysely'
import { compiledQuery } from '../db/compiled-query.ts'
import type { Db } from '../db/database.ts'
import type { Tables } from '../db/tables.ts'
import { CHOSEN_TOKEN_ROUNDS, hashToken } from './token-format.ts'

/** A single-user server or service that signs people in with the hub. */
export interface OauthClient {
  readonly identifier: string
  /** Plain; stored hashed. Absent: an existing client keeps its own, a new one has none. */
  readonly secret?: string | undefined
  /** The secret is a random token of ours, which nobody can guess: hashed once instead of slowly. */
  readonly generated?: boolean
  /** The one address that answers go to; may be a path on this host. */
  readonly redirectUri: string
  /** Raw scopes it may ask for. */
  readonly allowedScopes: readonly string[]
  readonly description?: string
}

/** Creates a client, or brings an existing one of that identifier up to date. `db` may be a transaction. */
export async function ensureOauthClient(db: Db, client: OauthClient): Promise<void> {
  const values = {
    redirect_uri: client.redirectUri,
    allowed_scopes: JSON.stringify([...client.allowedScopes]),
    description: client.description || client.identifier,
  }
  const rounds = client.generated ? 1 : CHOSEN_TOKEN_ROUNDS
  const secret = client.secret ? hashToken(client.secret, { rounds }).hashed : ''
  const changed = client.secret === undefined ? values : { secret, ...values }
  await upsertClient(db, { identifier: client.identifier, secret, ...values }, changed)
}

type ClientColumns = Insertable<Tables['oauth_clients']>

const upsertClient = compiledQuery((db, columns: ClientColumns, changed: Partial<ClientColumns>) =>
  db
    .insertInto('oauth_clients')
    .values(columns)
    .onConflict(conflict => conflict.column('identifier').doUpdateSet(changed)),
)

/** Gives a client another secret; nothing happens when there is no such client. */
export async function setClientSecret(db: Db, identifier: string, secret: string): Promise<void> {
  const { hashed } = hashToken(secret, { rounds: CHOSEN_TOKEN_ROUNDS })
  await db.updateTable('oauth_clients').set({ secret: hashed }).where('identifier', '=', identifier).execute()
}

/** Removes a client with its codes and tokens. True when it existed. */
export async function removeOauthClient(db: Db, identifier: string): Promise<boolean> {
  const removed = await db
    .deleteFrom('oauth_clients')
    .where('identifier', '=', identifier)
    .returning('id')
    .executeTakeFirst()
  return removed !== undefined
}
