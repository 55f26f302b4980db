/** The users table of the admin page, by the same rules as the REST API. */
import type { Access } from '../access/access.ts'
import type { Identity } from '../access/identity.ts'
import { HubError } from '../core/errors.ts'
import { fromDbTime } from '../db/db-time.ts'
import { changeUser, createUsers, getUser, removeUser } from '../features/users/change-users.ts'
import type { UsersDeps } from '../features/users/deps.ts'
import { withDetails } from '../features/users/user-details.ts'
import { listUsers } from '../features/users/user-list.ts'
import { findUser } from '../features/users/user-store.ts'
import type { PageAdmin } from '../pages/deps.ts'
import { pageServer } from './page-servers.ts'

export function pageAdmin(deps: UsersDeps): PageAdmin {
  const { db } = deps.database

  return {
    async list({ search, offset, limit }) {
      const { rows, total } = await listUsers(db, {
        nameFilter: search || undefined,
        offset,
        limit,
        state: undefined,
        sort: 'name',
        descending: false,
        reach: 'all',
      })
      const users = await withDetails(db, rows)
      return {
        total,
        users: users.map(user => ({
          name: user.name,
          admin: user.admin,
          groups: user.groups,
          servers: user.servers.map(row => pageServer(row, deps.baseUrl)),
          ...(user.last_activity !== null && { lastActivity: fromDbTime(user.last_activity) }),
        })),
      }
    },
    async add(names, by) {
      await createUsers(deps, await actor(deps, by), { usernames: names, admin: false })
    },
    async setAdmin(name, admin, by) {
      await changeUser(deps, await actor(deps, by), await getUser(deps, name), { admin })
      deps.access.changed()
    },
    async remove(name, by) {
      await removeUser(deps, await actor(deps, by), await getUser(deps, name))
      deps.access.changed()
    },
  }
}

/** The rules ask who acts; the page has checked their scopes. */
async function actor(
  { database, access }: { database: UsersDeps['database']; access: Access },
  name: string,
): Promise<Identity> {
  const user = await findUser(database.db, name)
  const scopes = user && (await access.scopesOfUser(user.id))
  if (!user || !scopes) throw new HubError('not_signed_in', { status: 403, message: 'Your account is gone.' })
  return { kind: 'user', ...user, scopes, proof: { by: 'cookie', sessionId: undefined } }
}
