import type { FastifyPluginAsync, FastifyRequest } from 'fastify'
import type { Access } from '../../access/access.ts'
import { scoped } from '../../access/endpoint.ts'
import { getIdentity } from '../../access/guards.ts'
import { HubError } from '../../core/errors.ts'
import { printable } from '../../core/names.ts'
import type { Database } from '../../db/database.ts'
import { parseBody } from '../../http/json-body.ts'
import { holds } from '../../http/visible-fields.ts'
import { serviceModel } from './model.ts'
import * as operations from './operations.ts'
import { addService, deleteService, type RunTimeServicesDeps } from './run-time-services.ts'
import { newService } from './schemas.ts'
import { findService, listServices } from './store.ts'

export interface ServicesDeps extends RunTimeServicesDeps {
  readonly database: Database
  readonly access: Access
  /** A service has come or gone: its route with it. */
  routesChanged(): Promise<void>
}

type Named = { Params: { name: string } }

/** `/hub/api/services` and `/hub/api/services/NAME`, as JupyterHub answers them. */
export function servicesApi(deps: ServicesDeps): FastifyPluginAsync {
  const { database, access } = deps
  const which = (request: FastifyRequest) => ({ service: (request.params as Named['Params']).name })

  return async server => {
    server.get('/hub/api/services', scoped(access, operations.listServices), async request => {
      const { scopes } = await getIdentity(access, request)
      const services = await listServices(database.db)
      const listed = services.filter(({ name }) => holds(scopes, 'list:services', { service: name }))
      return Object.fromEntries(listed.map(service => [service.name, serviceModel(service, scopes)]))
    })

    server.get<Named>('/hub/api/services/:name', scoped(access, operations.getService, which), async request => {
      const { name } = request.params
      const service = await findService(database.db, name)
      if (!service) {
        throw new HubError('no_such_service', { status: 404, message: `No such service: ${printable(name)}` })
      }
      return serviceModel(service, (await getIdentity(access, request)).scopes)
    })

    server.post<Named>(
      '/hub/api/services/:name',
      scoped(access, operations.addService, which),
      async (request, reply) => {
        const { name } = request.params
        const by = await getIdentity(access, request)
        saysSomething(request.body)
        await addService(deps, by, name, parseBody(request, newService))
        await deps.routesChanged()
        const made = await findService(database.db, name)
        return reply.code(201).send(serviceModel(made!, by.scopes)) // just made
      },
    )

    server.delete<Named>(
      '/hub/api/services/:name',
      scoped(access, operations.deleteService, which),
      async (request, reply) => {
        await deleteService(deps, await getIdentity(access, request), request.params.name)
        await deps.routesChanged()
        return reply.code(200).send()
      },
    )
  }
}

/** JupyterHub takes a body without any field for a mistake, and says it in these words. */
function saysSomething(body: unknown): void {
  const fields = typeof body === 'object' && body !== null && !Array.isArray(body) ? Object.keys(body) : []
  if (fields.length > 0) return
  throw new HubError('service_invalid', { status: 400, message: 'Invalid service data' })
}
