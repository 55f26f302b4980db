import type { FastifyPluginAsync, FastifyRequest } from 'fastify'
import { scoped } from '../../access/endpoint.ts'
import { getIdentity } from '../../access/guards.ts'
import type { Identity } from '../../access/identity.ts'
import { HubError } from '../../core/errors.ts'
import { parseBody } from '../../http/json-body.ts'
import { pageBody } from '../../http/pagination.ts'
import { changeUser, createNamedUser, createUsers, getUser, removeUser } from './change-users.ts'
import type { UsersDeps } from './deps.ts'
import * as operations from './operations.ts'
import { modelContext, readUserModel, readUserPage } from './read-users.ts'
import { newUser, newUsers, userChanges } from './schemas.ts'

type Named = { Params: { name: string } }

/** JupyterHub's endpoints of users: `/hub/api/users`, `/hub/api/users/NAME`. */
export function usersApi(deps: UsersDeps): FastifyPluginAsync {
  const { access } = deps
  const whom = (request: FastifyRequest) => ({ user: (request.params as Named['Params']).name })

  return async server => {
    server.get('/hub/api/users', scoped(access, operations.listUsers), async request => {
      const { models, total, page } = await readUserPage(deps, request, await getIdentity(access, request))
      return pageBody(request, models, page, total)
    })

    server.post('/hub/api/users', scoped(access, operations.createUsers), async (request, reply) => {
      const identity = await getIdentity(access, request)
      namesSomebody(request.body)
      const { usernames, admin = false } = parseBody(request, newUsers)
      const created = await createUsers(deps, identity, { usernames, admin })
      const context = modelContext(deps, identity, request)
      const models = await Promise.all(created.map(user => readUserModel(deps, user.name, context)))
      return reply.code(201).send(models)
    })

    server.get<Named>('/hub/api/users/:name', scoped(access, operations.getUser, whom), async request => {
      const user = await getUser(deps, request.params.name)
      return modelOf(request, await getIdentity(access, request), user)
    })

    server.post<Named>('/hub/api/users/:name', scoped(access, operations.createUser, whom), async (request, reply) => {
      const identity = await getIdentity(access, request)
      const { name } = request.params
      const user = await createNamedUser(deps, identity, name, parseBody(request, newUser)?.admin ?? false)
      return reply.code(201).send(await readUserModel(deps, user.name, modelContext(deps, identity, request)))
    })

    server.patch<Named>('/hub/api/users/:name', scoped(access, operations.changeUser, whom), async request => {
      const identity = await getIdentity(access, request)
      const user = await getUser(deps, request.params.name)
      const changed = await changeUser(deps, identity, user, parseBody(request, userChanges))
      return { ...(await modelOf(request, identity, changed)), auth_state: await authStateOf(changed.id) }
    })

    server.delete<Named>(
      '/hub/api/users/:name',
      scoped(access, operations.deleteUser, whom),
      async (request, reply) => {
        await removeUser(deps, await getIdentity(access, request), await getUser(deps, request.params.name))
        return reply.code(204).send()
      },
    )
  }

  async function modelOf(request: FastifyRequest, identity: Identity, user: { id: number; name: string }) {
    const model = (await readUserModel(deps, user.name, modelContext(deps, identity, request))) ?? {}
    return 'auth_state' in model ? { ...model, auth_state: await authStateOf(user.id) } : model
  }

  async function authStateOf(userId: number) {
    return (await deps.authState?.read(userId)) ?? null
  }
}

function namesSomebody(body: unknown): void {
  const usernames = (body as { usernames?: unknown } | null | undefined)?.usernames
  if (Array.isArray(usernames) ? usernames.length > 0 : usernames) return
  throw new HubError('no_user_names', { status: 400, message: 'Must specify at least one user to create' })
}
