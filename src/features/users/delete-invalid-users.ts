import { HubError } from '../../core/errors.ts'
import type { UserRecord } from '../../plugin/spawner.ts'
import { removeUser } from './change-users.ts'
import type { UsersDeps } from './deps.ts'

const AT_ONCE = 200

/**
 * JupyterHub's `delete_invalid_users`: users whose name is not allowed any more, or whom the authenticator does not take
 * (`userAdded` throws HubError with a 4xx status, as PAM for a missing Linux account), are removed with their servers.
 * Any other failure, a launcher that is down for example, says nothing about the user, who stays. Returns the names.
 */
export async function deleteInvalidUsers(deps: UsersDeps): Promise<string[]> {
  const removed: string[] = []
  let lastId = 0
  for (;;) {
    const users = await deps.database.db
      .selectFrom('users')
      .select(['id', 'name', 'admin'])
      .where('id', '>', lastId)
      .orderBy('id')
      .limit(AT_ONCE)
      .execute()
    for (const row of users) {
      const user = { ...row, groups: [] }
      const why = await findFault(deps, user)
      if (why === undefined) continue
      deps.log.warn({ user: user.name, why }, 'user is not valid any more and is deleted')
      if (await remove(deps, user)) removed.push(user.name)
    }
    if (users.length < AT_ONCE) return removed
    lastId = users.at(-1)!.id // there are some
  }
}

async function findFault({ names, userAdded, log }: UsersDeps, user: UserRecord): Promise<string | undefined> {
  if (!names.isValid(user.name)) return 'invalid_user_name'
  try {
    await userAdded?.(user)
    return undefined
  } catch (error) {
    if (error instanceof HubError && error.status >= 400 && error.status < 500) return error.code
    log.error({ user: user.name, err: error }, 'user could not be checked')
    return undefined
  }
}

async function remove(deps: UsersDeps, user: UserRecord): Promise<boolean> {
  try {
    await removeUser(deps, { name: 'hub' }, user)
    return true
  } catch (error) {
    deps.log.error({ user: user.name, err: error }, 'user could not be deleted; the next start tries again')
    return false
  }
}
