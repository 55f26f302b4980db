/** The secrets of one run: the server's API token and its OAuth client, whose secret is that token. */
import { oauthCallbackPath, oauthClientId, serverPath } from '../core/names.ts'
import type { ServerKey } from '../core/server-key.ts'
import type { DbTransaction } from '../db/database.ts'
import type { UserRecord } from '../plugin/spawner.ts'
import type { SpawningContext } from './context.ts'
import { type RunKey, saveOauthClient, saveToken } from './run-store.ts'
import type { ServerRow } from './server-row.ts'
import type { HeldServer } from './spawn-lease.ts'

/** Returns the token. What was made is written down at once, so that it can be revoked whatever happens next. */
export async function giveCredentials(
  context: SpawningContext,
  held: HeldServer,
  run: RunKey,
  user: UserRecord,
): Promise<string> {
  const { access, environment } = context
  const { key } = held
  const { token, id } = await access.issueToken({
    user,
    scopes: await tokenScopes(context, key),
    note: tokenNote(key, environment.baseUrl),
  })
  await held.write(tx => saveToken(tx, run, id))
  const identifier = oauthClientId(key)
  await access.ensureOauthClient({
    identifier,
    secret: token,
    redirectUri: oauthCallbackPath(key, environment.baseUrl),
    description: tokenNote(key, environment.baseUrl),
    // A visitor needs access to this very server; what else the server may ask for is the site's choice.
    allowedScopes: [
      ...new Set([...(environment.oauthClientAllowedScopes ?? []), `access:servers!server=${key.user}/${key.server}`]),
    ].sort(),
  })
  await held.write(tx => saveOauthClient(tx, run.spawnerId, identifier))
  return token
}

/** Deletes the token and the OAuth client, and with the client every token that visitors of the server got. */
export async function revokeCredentials(tx: DbTransaction, server: ServerRow, baseUrl: string): Promise<void> {
  const { key, userId, run } = server
  const ofUser = tx.deleteFrom('api_tokens').where('user_id', '=', userId)
  const revoked = run?.tokenId === undefined ? undefined : await ofUser.where('id', '=', run.tokenId).executeTakeFirst()
  // The released JupyterHub, or a start cut short, has left no id: its token bears the note of this server.
  if (!revoked?.numDeletedRows) await ofUser.where('note', '=', tokenNote(key, baseUrl)).execute()
  const client = oauthClientId(key)
  await tx.deleteFrom('oauth_codes').where('client_id', '=', client).execute()
  await tx.deleteFrom('api_tokens').where('client_id', '=', client).execute()
  await tx.deleteFrom('oauth_clients').where('identifier', '=', client).execute()
}

/** JupyterHub's note on such tokens. */
function tokenNote(key: ServerKey, baseUrl: string): string {
  return `Server at ${serverPath(key, baseUrl)}`
}

/** What the token asks for; its owner's own rights bound it at each use. */
async function tokenScopes({ database, settings }: SpawningContext, key: ServerKey): Promise<string[]> {
  const role = await database.db.selectFrom('roles').select('scopes').where('name', '=', 'server').executeTakeFirst()
  const ofRole = role?.scopes ? (JSON.parse(role.scopes) as string[]) : SERVER_ROLE // a JSON list of names
  const wanted = settings.serverTokenScopes.length > 0 ? settings.serverTokenScopes : ofRole
  // The token does not belong to the server's own OAuth client, so `!server` would not be filled in later.
  const scopes = new Set(
    wanted.map(scope => (scope.endsWith('!server') ? `${scope}=${key.user}/${key.server}` : scope)),
  )
  const tellsActivity = ['users:activity!user', 'users:activity', 'inherit'].some(scope => scopes.has(scope))
  if (!tellsActivity) scopes.add('users:activity!user')
  return [...scopes]
}

const SERVER_ROLE = ['users:activity!user', 'access:servers!server']
