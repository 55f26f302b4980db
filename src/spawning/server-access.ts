import type { Access } from '../access/access.ts'
import { ensureOauthClient } from '../access/oauth-clients.ts'
import type { Database } from '../db/database.ts'
import type { ServerAccess } from './context.ts'

/** Servers' tokens and OAuth clients, made by the hub's own access. */
export function serverAccess(access: Access, database: Database): ServerAccess {
  return {
    // What the user may not do any more is cut at each use; a start must not fail for it.
    issueToken: token => access.issueToken({ ...token, skipScopeCheck: true }),
    ensureOauthClient: client => ensureOauthClient(database.db, client),
    tokensRevoked: () => access.changed(),
  }
}
