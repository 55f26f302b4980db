/** Which rows of `spawners` may come into being: the rules for named servers, and the making of a row. */
import { HubError } from '../core/errors.ts'
import { checkNewServerName, isValidServerName, normalizeDisplayName, printable } from '../core/names.ts'
import type { Json } from '../core/runtime.ts'
import type { ServerKey } from '../core/server-key.ts'
import { SERVER_REASONS } from '../core/server-reasons.ts'
import { limitFrom } from '../core/site-function.ts'
import type { DbTransaction } from '../db/database.ts'
import type { UserRecord } from '../plugin/spawner.ts'
import type { SpawningContext } from './context.ts'
import { findServer, type ServerRow, serversOfUser } from './server-row.ts'

/** Throws HubError 400 when this user may not have, or not start, a server of this name. The default server always may. */
export async function checkNamedServer(
  context: Pick<SpawningContext, 'database' | 'settings'>,
  user: UserRecord,
  name: string,
  displayName: string,
  options: { checkLimit?: boolean } = {},
): Promise<void> {
  const { allowNamedServers, allowInvalidNamedServerStart, namedServerLimit } = context.settings
  if (!allowNamedServers) {
    throw new HubError('named_servers_disabled', { status: 400, message: 'Named servers are not enabled.' })
  }
  const own = await serversOfUser(context.database, user.name)
  const isNew = !own.some(server => server.key.server === name)
  if (isNew) {
    if (options.checkLimit !== false) await checkNamedServerLimit(namedServerLimit, user, own)
    checkNewServerName(name, displayName)
  } else if (!allowInvalidNamedServerStart && !isValidServerName(name)) {
    throw new HubError('invalid_server_name', {
      status: 400,
      message: `Starting invalid server_name ${printable(name)} is disabled, contact your administrator`,
    })
  }
}

async function checkNamedServerLimit(
  setting: SpawningContext['settings']['namedServerLimit'],
  user: UserRecord,
  own: readonly ServerRow[],
): Promise<void> {
  const limit =
    typeof setting === 'function' ? limitFrom('servers.namedServerLimitPerUser', await setting(user)) : setting
  if (limit <= 0 || own.filter(server => server.key.server !== '').length < limit) return
  throw new HubError('too_many_named_servers', {
    status: 400,
    message: `User ${user.name} already has the maximum of ${limit} named servers.  One must be deleted before a new server can be created`,
    nextStep: SERVER_REASONS.too_many_named_servers.person,
  })
}

/** Finds the row or makes it. Under the server's lease, because JupyterHub's table does not keep rows unique. */
export async function ensureServerRow(
  tx: DbTransaction,
  user: UserRecord,
  key: ServerKey,
  init: { displayName?: string | undefined; options?: Json | undefined } = {},
): Promise<ServerRow> {
  const found = await findServer({ db: tx }, key)
  if (found) return found
  await tx
    .insertInto('spawners')
    .values({
      user_id: user.id,
      name: key.server,
      display_name: key.server === '' ? '' : normalizeDisplayName(init.displayName || key.server),
      user_options: init.options === undefined ? null : JSON.stringify(init.options),
      state: null,
    })
    .execute()
  return (await findServer({ db: tx }, key))! // it has just been made
}

export function noSuchUser(name: string): HubError {
  return new HubError('no_such_user', { status: 404, message: `No such user: ${printable(name)}` })
}
