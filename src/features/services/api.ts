import type { FastifyPluginAsync, FastifyRequest } from 'fastify'
import type { Access } from '../../access/access.ts'
import { getIdentity, requireScope } from '../../access/guards.ts'
import { HubError } from '../../core/errors.ts'
import { printable } from '../../core/names.ts'
import type { Database } from '../../db/database.ts'
import { holds } from '../../http/visible-fields.ts'
import { serviceModel } from './model.ts'
import { findService, listServices } from './store.ts'

export interface ServicesDeps {
  readonly database: Database
  readonly access: Access
}

type Named = { Params: { name: string } }

/** `GET /hub/api/services` and `GET /hub/api/services/NAME`, as JupyterHub answers them. */
export function servicesApi({ database, access }: ServicesDeps): FastifyPluginAsync {
  const which = (request: FastifyRequest) => ({ service: (request.params as Named['Params']).name })

  return async server => {
    server.get(
      '/hub/api/services',
      { preHandler: requireScope(access, 'list:services', undefined, { filtered: true }) },
      async request => {
        const { scopes } = await getIdentity(access, request)
        const services = await listServices(database.db)
        const listed = services.filter(({ name }) => holds(scopes, 'list:services', { service: name }))
        return Object.fromEntries(listed.map(service => [service.name, serviceModel(service, scopes)]))
      },
    )

    server.get<Named>(
      '/hub/api/services/:name',
      { preHandler: requireScope(access, ['read:services', 'read:services:name', 'read:roles:services'], which) },
      async request => {
        const { name } = request.params
        const service = await findService(database.db, name)
        if (!service) {
          throw new HubError('no_such_service', { status: 404, message: `No such service: ${printable(name)}` })
        }
        return serviceModel(service, (await getIdentity(access, request)).scopes)
      },
    )
  }
}
