import { HubError } from '../core/errors.ts'
import { printable } from '../core/names.ts'
import type { Db } from '../db/database.ts'
import { findUser } from '../features/users/user-store.ts'
import type { UserRecord } from '../plugin/spawner.ts'

/** Throws HubError `no_such_user`, told for the command line. */
export async function getUser(db: Db, name: string): Promise<UserRecord> {
  const user = await findUser(db, name)
  if (user) return user
  throw new HubError('no_such_user', {
    status: 404,
    message: `There is no user ${printable(name)}.`,
    nextStep: 'orrery user list shows those there are; orrery user add makes one.',
  })
}
