import type { FastifyPluginAsync } from 'fastify'
import type { Access } from '../../access/access.ts'
import { scoped } from '../../access/endpoint.ts'
import { getIdentity } from '../../access/guards.ts'
import { HubError } from '../../core/errors.ts'
import type { Logger } from '../../core/runtime.ts'
import { parseBody } from '../../http/json-body.ts'
import { JUPYTERHUB_VERSION } from '../../http/security-headers.ts'
import * as operations from './operations.ts'
import { type ModelReader, ownModel } from './own-model.ts'
import { shutdown } from './schemas.ts'

/** A plug-in as `GET /hub/api/info` names it. */
export interface PluginInfo {
  readonly class: string
  readonly version: string
}

export interface HubInfoDeps {
  readonly access: Access
  readonly log: Logger
  readonly spawner: PluginInfo
  readonly authenticator: PluginInfo
  /** The caller's own model: `features/users` for users, `features/services` for services. */
  readonly readModel: ModelReader
  /** Begins the end; it is called after the answer has gone out. Absent parts: as configured. */
  shutDown(what: { servers?: boolean; proxy?: boolean }): void
}

/** `/hub/api/`, `/hub/api/info`, `/hub/api/user`, `/hub/api/shutdown`. */
export function hubInfoApi(deps: HubInfoDeps): FastifyPluginAsync {
  const { access, log } = deps

  return async server => {
    for (const path of ['/hub/api', '/hub/api/']) {
      server.get(path, { config: { operation: operations.getVersion } }, async () => ({ version: JUPYTERHUB_VERSION }))
    }

    server.get('/hub/api/info', scoped(access, operations.getInfo), async () => ({
      version: JUPYTERHUB_VERSION,
      // There is no Python in this hub; the fields stay, with what it runs on.
      python: `Node.js ${process.versions.node}`,
      sys_executable: process.execPath,
      spawner: deps.spawner,
      authenticator: deps.authenticator,
    }))

    server.get('/hub/api/user', { config: { operation: operations.getSelf } }, async (request, reply) => {
      await access.xsrf.checkApi(request, reply)
      const identity = await access.identify(request)
      if (!identity) throw new HubError('not_signed_in', { status: 403, message: 'Forbidden' })
      return ownModel(access, identity, deps.readModel)
    })

    server.post('/hub/api/shutdown', scoped(access, operations.shutDown), async (request, reply) => {
      const { name: by } = await getIdentity(access, request)
      const { servers, proxy } = parseBody(request, shutdown, 'proxy and servers must be true or false') ?? {}
      log.info({ by, servers, proxy }, 'shutdown requested')
      reply.raw.once('finish', () =>
        deps.shutDown({ ...(servers === undefined ? {} : { servers }), ...(proxy === undefined ? {} : { proxy }) }),
      )
      return reply.code(202).send({ message: 'Shutting down Hub' })
    })
  }
}
