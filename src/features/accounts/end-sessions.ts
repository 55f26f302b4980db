import { randomBytes } from 'node:crypto'
import type { Database } from '../../db/database.ts'

/**
 * Ends all of a user's sessions in browsers: the login cookie names `users.cookie_id`, and a new one makes every cookie
 * out of date; the tokens that their servers and services got for a browser session go. Tokens that the user made stay,
 * and so do the servers' own. A user that the hub does not know has no sessions.
 */
export async function endSessions({ db }: Pick<Database, 'db'>, name: string): Promise<void> {
  await db.transaction().execute(async tx => {
    const user = await tx
      .updateTable('users')
      .set({ cookie_id: randomBytes(16).toString('hex') })
      .where('name', '=', name)
      .returning('id')
      .executeTakeFirst()
    if (!user) return
    await tx.deleteFrom('api_tokens').where('user_id', '=', user.id).where('session_id', 'is not', null).execute()
  })
}
