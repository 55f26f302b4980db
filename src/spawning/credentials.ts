/** The secrets of one run: the server's API token and its OAuth client, whose secret is that token. */
import { serverPath } from '../core/names.ts'
import type { ServerKey } from '../core/server-key.ts'
import { wrongAnswer } from '../core/site-function.ts'
import { oauthCallbackUrl } from '../core/subdomains.ts'
import { compiledQuery } from '../db/compiled-query.ts'
import type { DbTransaction } from '../db/database.ts'
import type { UserRecord } from '../plugin/spawner.ts'
import type { ScopesOfServer, SpawningContext } from './context.ts'
import { type RunKey, saveCredentials } from './run-store.ts'
import { claimClient, findClient } from './server-client.ts'
import type { ServerRow } from './server-row.ts'
import type { HeldServer } from './spawn-lease.ts'

/** What a server is given for one run. */
export interface Credentials {
  readonly token: string
  readonly oauthClientId: string
  /** Of its OAuth client, besides access to the server. */
  readonly oauthClientAllowedScopes: readonly string[]
}

/** All or nothing is written down, so that what was made can be revoked whatever happens next. */
export async function giveCredentials(
  context: SpawningContext,
  held: HeldServer,
  run: RunKey,
  user: UserRecord,
): Promise<Credentials> {
  const { access, environment, settings } = context
  const { key } = held
  const scopes = await access.scopesHeld(user, await tokenScopes(context, user, key))
  const allowed = await scopesOf('servers.oauthClientAllowedScopes', settings.oauthClientAllowedScopes, user, key)
  const note = tokenNote(key, environment.baseUrl)
  return held.write(async tx => {
    const { token, id } = await access.issueToken(tx, { user, scopes, note })
    const identifier = await claimClient(tx, { key, spawnerId: run.spawnerId })
    await access.ensureOauthClient(tx, {
      identifier,
      secret: token,
      redirectUri: oauthCallbackUrl(key, environment),
      description: note,
      // A visitor needs access to this very server; what else the server may ask for is the site's choice.
      allowedScopes: [...new Set([...allowed, `access:servers!server=${key.user}/${key.server}`])].sort(),
    })
    await saveCredentials(tx, run, { tokenId: id, oauthClientId: identifier })
    return { token, oauthClientId: identifier, oauthClientAllowedScopes: allowed }
  })
}

/** Deletes the token and the OAuth client, and with the client every token that visitors of the server got. */
export async function revokeCredentials(tx: DbTransaction, server: ServerRow, baseUrl: string): Promise<void> {
  const { key, userId, run } = server
  const [revoked] = run?.tokenId === undefined ? [] : await deleteToken(tx, userId, run.tokenId)
  // The released JupyterHub, or a start cut short, has left no id: its token bears the note of this server.
  if (!revoked) await deleteTokensByNote(tx, userId, tokenNote(key, baseUrl))
  const client = await findClient(tx, server)
  if (client === undefined) return
  await deleteCodesOfClient(tx, client)
  await deleteTokensOfClient(tx, client)
  await deleteClient(tx, client)
}

const roleScopes = compiledQuery((db, name: string) => db.selectFrom('roles').select('scopes').where('name', '=', name))
const deleteToken = compiledQuery((db, userId: number, id: number) =>
  db.deleteFrom('api_tokens').where('user_id', '=', userId).where('id', '=', id).returning('id'),
)
const deleteTokensByNote = compiledQuery((db, userId: number, note: string) =>
  db.deleteFrom('api_tokens').where('user_id', '=', userId).where('note', '=', note),
)
const deleteCodesOfClient = compiledQuery((db, client: string) =>
  db.deleteFrom('oauth_codes').where('client_id', '=', client),
)
const deleteTokensOfClient = compiledQuery((db, client: string) =>
  db.deleteFrom('api_tokens').where('client_id', '=', client),
)
const deleteClient = compiledQuery((db, identifier: string) =>
  db.deleteFrom('oauth_clients').where('identifier', '=', identifier),
)

/** JupyterHub's note on such tokens. */
function tokenNote(key: ServerKey, baseUrl: string): string {
  return `Server at ${serverPath(key, baseUrl)}`
}

/** What the token asks for; its owner's own rights bound it at each use. */
async function tokenScopes(
  { database, settings }: SpawningContext,
  user: UserRecord,
  key: ServerKey,
): Promise<string[]> {
  const [role] = await roleScopes(database.db, 'server')
  const ofRole = role?.scopes ? (JSON.parse(role.scopes) as string[]) : SERVER_ROLE // a JSON list of names
  const chosen = await scopesOf('servers.tokenScopes', settings.serverTokenScopes, user, key)
  const wanted = chosen.length > 0 ? chosen : ofRole
  // The token does not belong to the server's own OAuth client, so `!server` would not be filled in later.
  const scopes = new Set(
    wanted.map(scope => (scope.endsWith('!server') ? `${scope}=${key.user}/${key.server}` : scope)),
  )
  const tellsActivity = ['users:activity!user', 'users:activity', 'inherit'].some(scope => scopes.has(scope))
  if (!tellsActivity) scopes.add('users:activity!user')
  return [...scopes]
}

/** A constant, or what the site's function says of this server. */
async function scopesOf(
  option: string,
  setting: readonly string[] | ScopesOfServer,
  user: UserRecord,
  key: ServerKey,
): Promise<readonly string[]> {
  if (typeof setting !== 'function') return setting
  const scopes: unknown = await setting(user, key.server)
  if (Array.isArray(scopes) && scopes.every(scope => typeof scope === 'string')) return scopes
  throw wrongAnswer(option, 'a list of scopes')
}

const SERVER_ROLE = ['users:activity!user', 'access:servers!server']
