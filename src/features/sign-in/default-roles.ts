import { ensureDefaultRoles } from '../../access/role-grants.ts'
import { HubError } from '../../core/errors.ts'
import { printable } from '../../core/names.ts'
import type { Clock, Logger } from '../../core/runtime.ts'
import type { Database } from '../../db/database.ts'
import type { UserNames } from '../users/user-names.ts'
import { createUser, findUser, setAdmin } from '../users/user-store.ts'

export interface ConfiguredUsers {
  readonly adminUsers: Iterable<string>
  readonly allowedUsers: Iterable<string>
}

/**
 * What has to be in the database before the first request: the default roles, and the users that the config names, as
 * JupyterHub makes them: administrators with their flag and role, allowed users as users. Who is an administrator in
 * the database stays one. Throws HubError `invalid_user_name` for a name that cannot be.
 */
export async function ensureRolesAndUsers(
  { database, names, clock, log }: { database: Pick<Database, 'db'>; names: UserNames; clock: Clock; log: Logger },
  configured: ConfiguredUsers,
): Promise<void> {
  const admins = normalNames(names, configured.adminUsers, 'access.adminUsers')
  const allowed = normalNames(names, configured.allowedUsers, 'access.allowedUsers')
  await database.db.transaction().execute(async tx => {
    await ensureDefaultRoles(tx)
    for (const name of new Set([...admins, ...allowed])) {
      const admin = admins.has(name)
      const user = await findUser(tx, name)
      if (!user) await createUser(tx, { name, admin }, clock.now())
      else if (admin) await setAdmin(tx, user.id, true)
      if (!user || (admin && !user.admin)) log.info({ user: name, admin }, 'user of the config made ready')
    }
  })
}

function normalNames(names: UserNames, given: Iterable<string>, option: string): Set<string> {
  const normal = new Set([...given].map(name => names.normalize(name)))
  for (const name of normal) {
    if (names.isValid(name)) continue
    throw new HubError('invalid_user_name', {
      status: 500,
      message: `${option} names ${printable(name)}, which cannot be a user.`,
      nextStep: 'Correct the name in the config, or access.usernamePattern.',
    })
  }
  return normal
}
