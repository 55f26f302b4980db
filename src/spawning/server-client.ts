/**
 * Which OAuth client a server has. JupyterHub's names for them meet: the server `b` of user `a` and the default server of
 * user `a-b` both have `jupyterhub-user-a-b`, and whoever starts one of them would change the secret and the address of
 * the other's, through which people sign in. So the later of two that are there at a time gets a name of its own.
 */
import { oauthClientId, unmistakableClientId } from '../core/names.ts'
import type { ServerKey } from '../core/server-key.ts'
import { compiledQuery } from '../db/compiled-query.ts'
import type { DbTransaction } from '../db/database.ts'

interface Owner {
  readonly spawnerId: number
  readonly key: ServerKey
}

/** The name of the client for a run that begins. No other server gets it before the end of the transaction. */
export async function claimClient(tx: DbTransaction, { spawnerId, key }: Owner): Promise<string> {
  const identifier = oauthClientId(key)
  // Locks the row, so that of two starts at once the second one sees whose it is.
  await lockClient(tx, identifier)
  const [other] = await otherHolder(tx, identifier, spawnerId)
  return other ? unmistakableClientId(key) : identifier
}

/** The client of the run there is, if any. */
export async function findClient(tx: DbTransaction, { spawnerId, key }: Owner): Promise<string | undefined> {
  const [row] = await clientOf(tx, spawnerId)
  if (row?.oauth_client_id) return row.oauth_client_id
  const identifier = oauthClientId(key)
  const [other] = await otherHolder(tx, identifier, spawnerId)
  return other ? undefined : identifier
}

const lockClient = compiledQuery((db, identifier: string) =>
  db
    .insertInto('oauth_clients')
    .values({ identifier, secret: '', redirect_uri: '', allowed_scopes: '[]', description: identifier })
    .onConflict(conflict => conflict.column('identifier').doUpdateSet({ identifier })),
)
const clientOf = compiledQuery((db, spawnerId: number) =>
  db.selectFrom('spawners').select('oauth_client_id').where('id', '=', spawnerId),
)
const otherHolder = compiledQuery((db, identifier: string, spawnerId: number) =>
  db.selectFrom('spawners').select('id').where('oauth_client_id', '=', identifier).where('id', '!=', spawnerId),
)
