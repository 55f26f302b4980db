/** PATCH: another name, display name or options for a server that does not run. */
import { HubError } from '../../core/errors.ts'
import { isValidDisplayName, normalizeDisplayName, printable } from '../../core/names.ts'
import type { ServerKey } from '../../core/server-key.ts'
import type { Database } from '../../db/database.ts'
import type { UserRecord } from '../../plugin/spawner.ts'
import { findServer } from '../../spawning/server-row.ts'
import type { Spawning } from '../../spawning/spawning.ts'
import type { ServerChanges } from './request-body.ts'

/** Returns its key afterwards. Throws HubError 400 (names, running), 404 (no such server), 409 (name taken). */
export async function changeServer(
  { database, spawning }: { database: Database; spawning: Spawning },
  user: UserRecord,
  key: ServerKey,
  { name, displayName, options }: ServerChanges,
): Promise<ServerKey> {
  if (name !== undefined) {
    // Renaming the default server makes room for a new default one: that is one more.
    await spawning.checkNamedServer(user, name, displayName ?? name, { checkLimit: key.server === '' })
  } else if (displayName !== undefined) {
    await spawning.checkNamedServer(user, key.server, displayName, { checkLimit: false })
  }
  const shown = displayName === undefined ? undefined : checkedDisplayName(displayName)
  if (!(await findServer(database, key))) throw noSuchServer(key)

  return spawning.whileStopped(key, async (held, server) => {
    if (name !== undefined && (await findServer(database, { user: key.user, server: name }))) {
      throw new HubError('server_exists', {
        status: 409,
        message: `User ${key.user} already has server '${printable(name)}'`,
      })
    }
    await held.write(tx =>
      tx
        .updateTable('spawners')
        .set({
          name: name ?? key.server,
          ...(shown !== undefined && { display_name: shown }),
          ...(options !== undefined && { user_options: JSON.stringify(options) }),
        })
        .where('id', '=', server.spawnerId)
        .execute(),
    )
    return { user: key.user, server: name ?? key.server }
  })
}

export function noSuchServer(key: ServerKey): HubError {
  return new HubError('no_such_server', {
    status: 404,
    message: `User ${key.user} has no such server ${printable(key.server)}`,
  })
}

function checkedDisplayName(text: string): string {
  const name = normalizeDisplayName(text)
  if (isValidDisplayName(name)) return name
  throw new HubError('invalid_display_name', { status: 400, message: `Invalid display_name: ${printable(text)}` })
}
