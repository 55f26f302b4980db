import { HubError } from '../../core/errors.ts'
import { printable } from '../../core/names.ts'
import type { Clock, Logger } from '../../core/runtime.ts'
import type { Db } from '../../db/database.ts'
import type { UserNames } from './user-names.ts'
import { createUser, findUser } from './user-store.ts'

/**
 * The user that an option of the config names, made where there is none. Throws HubError `invalid_user_name` that names
 * the option for a name that cannot be.
 */
export async function ensureUser(
  db: Db,
  { names, clock, log }: { names: UserNames; clock: Clock; log: Logger },
  given: string,
  option: string,
): Promise<{ id: number; name: string }> {
  const name = names.normalize(given)
  if (!names.isValid(name)) {
    throw new HubError('invalid_user_name', {
      status: 500,
      message: `${option} names ${printable(name)}, which cannot be a user.`,
      nextStep: 'Correct the name in the config, or access.usernamePattern.',
    })
  }
  const user = await findUser(db, name)
  if (user) return user
  log.info({ user: name, option }, 'user of the config made ready')
  return createUser(db, { name }, clock.now())
}
