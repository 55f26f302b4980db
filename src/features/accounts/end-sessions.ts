import { randomBytes } from 'node:crypto'
import type { Database } from '../../db/database.ts'

/**
 * Ends all of a user's sessions in browsers: the login cookie names `users.cookie_id`, and a new one makes every cookie
 * out of date. API tokens stay. A user that the hub does not know has no sessions.
 */
export async function endSessions({ db }: Pick<Database, 'db'>, name: string): Promise<void> {
  await db
    .updateTable('users')
    .set({ cookie_id: randomBytes(16).toString('hex') })
    .where('name', '=', name)
    .execute()
}
