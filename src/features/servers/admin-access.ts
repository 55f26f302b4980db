import type { FastifyPluginAsync } from 'fastify'
import type { Access } from '../../access/access.ts'
import { requireScope } from '../../access/guards.ts'
import { HubError } from '../../core/errors.ts'

/**
 * `POST /hub/api/users/NAME/admin-access`: how administrators got into people's servers before there were scopes. As
 * in JupyterHub 6 it answers 403 to whoever may use the server, and tells the others no more than any endpoint would.
 */
export function adminAccessApi({ access }: { readonly access: Access }): FastifyPluginAsync {
  const guard = requireScope(access, 'servers', request => ({ user: (request.params as { name: string }).name })) // by the path
  return async server => {
    server.post('/hub/api/users/:name/admin-access', { preHandler: guard }, async () => {
      throw new HubError('admin_access_gone', {
        status: 403,
        message: 'admin access to user servers disabled',
        nextStep: 'Open the server itself, which the scope access:servers permits.',
      })
    })
  }
}
