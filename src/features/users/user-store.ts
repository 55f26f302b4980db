import { randomUUID } from 'node:crypto'
import { assignDefaultRoles } from '../../access/role-grants.ts'
import { HubError } from '../../core/errors.ts'
import { printable } from '../../core/names.ts'
import { compiledQuery } from '../../db/compiled-query.ts'
import type { Db } from '../../db/database.ts'
import { toDbTime } from '../../db/db-time.ts'
import type { UserRecord } from '../../plugin/spawner.ts'

/** Every function takes the database or the transaction one is in. Names are exact: normalise them before. */

export async function findUser(db: Db, name: string): Promise<UserRecord | undefined> {
  const [row] = await userByName(db, name)
  return row && withGroups(db, row)
}

export async function findUserById(db: Db, id: number): Promise<UserRecord | undefined> {
  const [row] = await userById(db, id)
  return row && withGroups(db, row)
}

/** Throws 404 `no_such_user`. */
export async function getUserRecord(db: Db, id: number): Promise<UserRecord> {
  const user = await findUserById(db, id)
  if (!user) throw new HubError('no_such_user', { status: 404, message: 'No such user' })
  return user
}

/** Names of a user's groups, sorted. */
export async function groupsOf(db: Db, userId: number): Promise<string[]> {
  const rows = await groupsOfUser(db, userId)
  return rows.map(row => row.name)
}

/**
 * A new user with what JupyterHub gives a new one: a cookie id, the role `user`, and `admin` for administrators.
 * Throws 409 `user_exists`, also when another request was a moment faster.
 */
export async function createUser(
  db: Db,
  user: { name: string; admin?: boolean },
  now: Date = new Date(),
): Promise<UserRecord> {
  const admin = user.admin ?? false
  const [row] = await insertUser(db, user.name, admin, toDbTime(now), newCookieId())
  if (!row) throw userExists(user.name)
  await assignDefaultRoles(db, { kind: 'user', id: row.id, admin, isNew: true })
  return { ...row, groups: [] }
}

/** Throws 400 `user_exists` in JupyterHub's words when the name is taken. */
export async function renameUser(db: Db, id: number, name: string): Promise<void> {
  const taken = await db.selectFrom('users').select('id').where('name', '=', name).executeTakeFirst()
  if (taken && taken.id !== id) {
    throw new HubError('user_exists', {
      status: 400,
      message: `User ${printable(name)} already exists, username must be unique`,
    })
  }
  await db.updateTable('users').set({ name }).where('id', '=', id).execute()
}

/** Sets the flag and grants or takes the role `admin`, which goes with it. */
export async function setAdmin(db: Db, id: number, admin: boolean): Promise<void> {
  await db.updateTable('users').set({ admin }).where('id', '=', id).execute()
  await assignDefaultRoles(db, { kind: 'user', id, admin })
}

/** Removes the user with tokens, memberships and stopped servers. True when there was one. */
export async function deleteUser(db: Db, id: number): Promise<boolean> {
  const clients = db.selectFrom('spawners').select('oauth_client_id').where('user_id', '=', id)
  const addresses = db.selectFrom('spawners').select('server_id').where('user_id', '=', id)
  // Foreign keys take the rest along, but point from `spawners` to these two.
  await db.deleteFrom('oauth_clients').where('identifier', 'in', clients).execute()
  await db.deleteFrom('servers').where('id', 'in', addresses).execute()
  const { numDeletedRows } = await db.deleteFrom('users').where('id', '=', id).executeTakeFirst()
  return numDeletedRows > 0n
}

export function userExists(name: string): HubError {
  return new HubError('user_exists', { status: 409, message: `User ${printable(name)} already exists` })
}

const userByName = compiledQuery((db, name: string) => users(db).where('name', '=', name))
const userById = compiledQuery((db, id: number) => users(db).where('id', '=', id))

const groupsOfUser = compiledQuery((db, userId: number) =>
  db
    .selectFrom('user_group_map')
    .innerJoin('groups', 'groups.id', 'user_group_map.group_id')
    .select('groups.name')
    .where('user_group_map.user_id', '=', userId)
    .orderBy('groups.name'),
)

/** None comes back when the name is taken. */
const insertUser = compiledQuery((db, name: string, admin: boolean, created: string, cookieId: string) =>
  db
    .insertInto('users')
    .values({
      name,
      admin,
      created,
      cookie_id: cookieId,
      user_info: null,
      last_activity: null,
      state: null,
      encrypted_auth_state: null,
    })
    .onConflict(conflict => conflict.column('name').doNothing())
    .returning(['id', 'name', 'admin']),
)

function users(db: Db) {
  return db.selectFrom('users').select(['id', 'name', 'admin'])
}

async function withGroups(db: Db, row: { id: number; name: string; admin: boolean }): Promise<UserRecord> {
  return { ...row, groups: await groupsOf(db, row.id) }
}

/** As JupyterHub's `uuid4().hex`; the signed login cookie carries it. */
function newCookieId(): string {
  return randomUUID().replaceAll('-', '')
}
