import type { Db } from '../db/database.ts'

export interface ListedUser {
  readonly name: string
  readonly admin: boolean
  /** As it stands in the database, UTC. */
  readonly created: string | null
  readonly lastActivity: string | null
}

export async function listUsers(db: Db): Promise<ListedUser[]> {
  const rows = await db
    .selectFrom('users')
    .select(['name', 'admin', 'created', 'last_activity'])
    .orderBy('name')
    .execute()
  return rows.map(({ name, admin, created, last_activity }) => ({ name, admin, created, lastActivity: last_activity }))
}
