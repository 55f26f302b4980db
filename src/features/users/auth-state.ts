/**
 * What an authenticator wants to be kept of a user (tokens of a provider, groups there), in `users.encrypted_auth_state`
 * exactly as JupyterHub writes it: a Fernet token of JSON. Keys can be rotated: the first one encrypts, all decrypt, and
 * what an old one encrypted is written anew when it is read.
 */
import { decryptFernet, encryptFernet } from '../../core/fernet.ts'
import type { Clock, Json, Logger } from '../../core/runtime.ts'
import { compiledQuery } from '../../db/compiled-query.ts'
import type { Database, Db } from '../../db/database.ts'

export interface AuthStateStore {
  /** Null when there is none, or none that the keys can read; the log then tells so. */
  read(userId: number): Promise<Json>
  /** Null removes it. */
  write(userId: number, state: Json): Promise<void>
}

/** `keys` are not empty. */
export function createAuthStateStore({
  database: { db },
  keys,
  clock,
  log,
}: {
  database: Pick<Database, 'db'>
  keys: readonly Uint8Array[]
  clock: Clock
  log: Logger
}): AuthStateStore {
  return { read, write }

  async function read(userId: number): Promise<Json> {
    const [row] = await encryptedOf(db, userId)
    const encrypted = row?.encrypted_auth_state
    if (!encrypted) return null
    const found = decryptFernet(keys, Buffer.from(encrypted).toString('latin1'))
    const state = found && parse(found.plain)
    if (state === undefined) {
      log.warn({ user: row.name }, 'auth state of this user cannot be read with the present keys')
      return null
    }
    // Somebody who signs in at this moment writes what is newer.
    if (found!.key > 0) await replaceEncrypted(db, userId, encrypted, sealed(state)) // a state comes of something found
    return state
  }

  async function write(userId: number, state: Json): Promise<void> {
    if (state === null) return clearAuthState(db, userId)
    await setEncrypted(db, userId, sealed(state))
  }

  function sealed(state: Json): Uint8Array {
    return Buffer.from(encryptFernet(keys[0]!, Buffer.from(JSON.stringify(state)), { now: clock.now() }))
  }
}

/** Costs a write only where there is something to forget. */
export async function clearAuthState(db: Db, userId: number): Promise<void> {
  await removeEncrypted(db, userId)
}

/** Python writes NaN where JSON has none; nobody else can read that. */
function parse(plain: Buffer): Json | undefined {
  try {
    return JSON.parse(plain.toString('utf8')) as Json // JSON is Json
  } catch {
    return undefined
  }
}

const encryptedOf = compiledQuery((db, userId: number) =>
  db.selectFrom('users').select(['name', 'encrypted_auth_state']).where('id', '=', userId),
)

const setEncrypted = compiledQuery((db, userId: number, encrypted: Uint8Array) =>
  db.updateTable('users').set({ encrypted_auth_state: encrypted }).where('id', '=', userId),
)

const replaceEncrypted = compiledQuery((db, userId: number, before: Uint8Array, encrypted: Uint8Array) =>
  db
    .updateTable('users')
    .set({ encrypted_auth_state: encrypted })
    .where('id', '=', userId)
    .where('encrypted_auth_state', '=', before),
)

const removeEncrypted = compiledQuery((db, userId: number) =>
  db
    .updateTable('users')
    .set({ encrypted_auth_state: null })
    .where('id', '=', userId)
    .where('encrypted_auth_state', 'is not', null),
)
