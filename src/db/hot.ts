import type { DatabaseSync } from 'node:sqlite'
import type { Selectable } from 'kysely'
import type { Db } from './database.ts'
import { translateDatabaseError } from './database-errors.ts'
import { type Prepared, prepareStatement, readRows } from './sqlite-dialect.ts'
import type { Tables } from './tables.ts'

/** A user as the request path needs it. */
export type HotUser = Pick<Selectable<Tables['users']>, 'id' | 'name' | 'admin' | 'cookie_id' | 'last_activity'>

/** A token with its owner's name: exactly one of user and service is there. */
export type HotToken = Selectable<Tables['api_tokens']> & {
  user_name: string | null
  user_admin: boolean | null
  service_name: string | null
  service_admin: boolean | null
}

/** The reads that every request begins with. On SQLite they are prepared by hand, see `bench/hot-reads.ts`. */
export interface HotReads {
  /** Tokens whose public prefix this is (seldom more than one); the caller verifies hash and expiry. */
  findTokens(prefix: string): Promise<HotToken[]>
  findUserByCookieId(cookieId: string): Promise<HotUser | undefined>
  findUserByName(name: string): Promise<HotUser | undefined>
}

const TOKEN_COLUMNS = [
  'api_tokens.id',
  'api_tokens.user_id',
  'api_tokens.service_id',
  'api_tokens.hashed',
  'api_tokens.prefix',
  'api_tokens.client_id',
  'api_tokens.session_id',
  'api_tokens.created',
  'api_tokens.expires_at',
  'api_tokens.last_activity',
  'api_tokens.note',
  'api_tokens.scopes',
  'users.name as user_name',
  'users.admin as user_admin',
  'services.name as service_name',
  'services.admin as service_admin',
] as const
const USER_COLUMNS = ['id', 'name', 'admin', 'cookie_id', 'last_activity'] as const

/** On any database. */
export function kyselyHotReads(db: Db): HotReads {
  const user = db.selectFrom('users').select([...USER_COLUMNS])
  return {
    findTokens: prefix =>
      db
        .selectFrom('api_tokens')
        .leftJoin('users', 'users.id', 'api_tokens.user_id')
        .leftJoin('services', 'services.id', 'api_tokens.service_id')
        .select([...TOKEN_COLUMNS])
        .where('api_tokens.prefix', '=', prefix)
        .orderBy('api_tokens.id')
        .execute(),
    findUserByCookieId: cookieId => user.where('cookie_id', '=', cookieId).executeTakeFirst(),
    findUserByName: name => user.where('name', '=', name).executeTakeFirst(),
  }
}

/**
 * The same statements prepared once on a connection of their own: they neither build SQL nor wait for a transaction
 * that somebody else runs. The write-ahead log shows them all that is committed.
 */
export function sqliteHotReads(sqlite: DatabaseSync, displayUrl: string): HotReads {
  const tokens = prepare(`select ${TOKEN_COLUMNS.join(', ')} from api_tokens
    left join users on users.id = api_tokens.user_id
    left join services on services.id = api_tokens.service_id
    where api_tokens.prefix = ? order by api_tokens.id`)
  const userBy = (column: string) => prepare(`select ${USER_COLUMNS.join(', ')} from users where ${column} = ?`)
  const byCookieId = userBy('cookie_id')
  const byName = userBy('name')
  return {
    findTokens: async prefix => read<HotToken>(tokens(), prefix),
    findUserByCookieId: async cookieId => read<HotUser>(byCookieId(), cookieId)[0],
    findUserByName: async name => read<HotUser>(byName(), name)[0],
  }

  /** Prepared at first use: the tables are not there yet when the database is opened. */
  function prepare(text: string): () => Prepared {
    let prepared: Prepared | undefined
    return () => {
      prepared ??= prepareStatement(sqlite, text)
      return prepared
    }
  }

  function read<Row>(prepared: Prepared, value: string): Row[] {
    try {
      return readRows<Row>(prepared, [value])
    } catch (error) {
      throw translateDatabaseError(error, displayUrl)
    }
  }
}
