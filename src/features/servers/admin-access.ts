import type { FastifyPluginAsync } from 'fastify'
import type { Access } from '../../access/access.ts'
import { scoped } from '../../access/endpoint.ts'
import type { TargetOf } from '../../access/guards.ts'
import { HubError } from '../../core/errors.ts'
import type { Operation } from '../../http/operation.ts'
import { USER } from '../../http/path-parts.ts'

/**
 * `POST /hub/api/users/NAME/admin-access`: how administrators got into people's servers before there were scopes. As
 * in JupyterHub 6 it answers 403 to whoever may use the server, and tells the others no more than any endpoint would.
 */
export function adminAccessApi({ access }: { readonly access: Access }): FastifyPluginAsync {
  const whom: TargetOf = request => ({ user: (request.params as { name: string }).name }) // by the path
  return async server => {
    server.post('/hub/api/users/:name/admin-access', scoped(access, adminAccess, whom), async () => {
      throw new HubError('admin_access_gone', {
        status: 403,
        message: 'admin access to user servers disabled',
        nextStep: 'Open the server itself, which the scope access:servers permits.',
      })
    })
  }
}

const adminAccess = {
  id: 'getAdminAccess',
  tag: 'servers',
  summary: 'Refused: the scope access:servers opens servers',
  params: { name: USER },
  scopes: ['servers'],
  answers: {},
} satisfies Operation
