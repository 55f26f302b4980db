/** `GET /hub/api/orrery/roles`: every role, and who holds it. JupyterHub has no endpoint for this. */
import type { FastifyPluginAsync } from 'fastify'
import type { Access } from '../../access/access.ts'
import { scoped } from '../../access/endpoint.ts'
import type { Database } from '../../db/database.ts'
import { listRoles } from './operations.ts'
import { type HeldRole, listHeldRoles } from './store.ts'

export interface RolesDeps {
  readonly access: Access
  readonly database: Database
}

export function rolesApi({ access, database }: RolesDeps): FastifyPluginAsync {
  return async server => {
    server.get('/hub/api/orrery/roles', scoped(access, listRoles), async () =>
      (await listHeldRoles(database.db)).map(roleModel),
    )
  }
}

function roleModel(role: HeldRole) {
  return {
    kind: 'role',
    name: role.name,
    description: role.description,
    scopes: JSON.parse(role.scopes ?? '[]') ?? [],
    // A number and not names: everybody holds the role `user`.
    users: role.users,
    groups: role.groups,
    services: role.services,
    managed_by_auth: role.managed_by_auth,
  }
}
