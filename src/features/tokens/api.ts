import type { FastifyPluginAsync, FastifyReply, FastifyRequest } from 'fastify'
import { scoped } from '../../access/endpoint.ts'
import { getIdentity } from '../../access/guards.ts'
import { HubError } from '../../core/errors.ts'
import { printable } from '../../core/names.ts'
import type { ScopeMap } from '../../core/scopes/types.ts'
import { parseBody } from '../../http/json-body.ts'
import { holds } from '../../http/visible-fields.ts'
import type { UserRecord } from '../../plugin/spawner.ts'
import { findUser } from '../users/user-store.ts'
import * as operations from './operations.ts'
import { listTokens, makeToken, type Requester, revokeToken, showToken, type TokenRules } from './rules.ts'
import { tokenWish } from './schemas.ts'

export interface TokensDeps extends TokenRules {
  /**
   * Who proves themselves with `auth` of the body, in the authenticator's own terms (`{username, password}`); undefined
   * when nobody. Counts towards the lock-out like any other log-in. Absent: not offered.
   */
  logIn?(auth: unknown, request: FastifyRequest): Promise<{ id: number; name: string } | undefined>
}

type OfUser = { Params: { name: string } }
type OneToken = { Params: { name: string; token: string } }

/** JupyterHub's endpoints of tokens: `/hub/api/users/NAME/tokens` and below. */
export function tokensApi(deps: TokensDeps): FastifyPluginAsync {
  const { access, database } = deps
  const whom = (request: FastifyRequest) => ({ user: (request.params as OfUser['Params']).name })

  return async server => {
    server.get<OfUser>('/hub/api/users/:name/tokens', scoped(access, operations.listTokens, whom), async request => ({
      api_tokens: await listTokens(deps, await getOwner(request.params.name)),
    }))

    server.post<OfUser>(
      '/hub/api/users/:name/tokens',
      { config: { operation: operations.createToken, changesAccess: false } },
      async (request, reply) => {
        const body = readWish(request)
        const { requester, scopes } = await findRequester(request, reply, body.auth)
        const user = await findUser(database.db, request.params.name)
        if (!user || !holds(scopes, 'tokens', { user: user.name, groups: user.groups })) {
          const kind = requester.kind === 'user' ? 'User' : 'Service'
          const message = `${kind} ${printable(request.params.name)} not found or no permissions to generate tokens`
          throw new HubError('token_not_permitted', { status: 403, message })
        }
        const wish = parseBody(request, tokenWish) ?? {}
        return reply.code(201).send(await makeToken(deps, requester, user, wish))
      },
    )

    server.get<OneToken>(
      '/hub/api/users/:name/tokens/:token',
      scoped(access, operations.getToken, whom),
      async request => showToken(deps, await getOwner(request.params.name), request.params.token),
    )

    server.delete<OneToken>(
      '/hub/api/users/:name/tokens/:token',
      scoped(access, operations.revokeToken, whom),
      async (request, reply) => {
        const user = await getOwner(request.params.name)
        await revokeToken(deps, await getIdentity(access, request), user, request.params.token)
        return reply.code(204).send()
      },
    )
  }

  async function getOwner(name: string): Promise<UserRecord> {
    const user = await findUser(database.db, name)
    if (!user) throw new HubError('no_such_user', { status: 404, message: `No such user: ${printable(name)}` })
    return user
  }

  /** Credentials in the body need no xsrf token: another site cannot know them. */
  async function findRequester(
    request: FastifyRequest,
    reply: FastifyReply,
    auth: unknown,
  ): Promise<{ requester: Requester; scopes: ScopeMap }> {
    const identity = await access.identify(request)
    if (identity) {
      await access.xsrf.checkApi(request, reply)
      return { requester: identity, scopes: identity.scopes }
    }
    const user = auth === undefined || !deps.logIn ? undefined : await deps.logIn(auth, request)
    access.changed() // a first sign-in makes a user, any other may change roles
    const scopes = user && (await access.scopesOfUser(user.id))
    if (!user || !scopes) throw new HubError('not_signed_in', { status: 403, message: 'Forbidden' })
    return { requester: { kind: 'user', ...user }, scopes }
  }
}

function readWish(request: FastifyRequest): { auth?: unknown } {
  const body = request.body || {}
  if (typeof body === 'object' && !(Array.isArray(body) && body.length > 0)) return body as { auth?: unknown }
  throw new HubError('invalid_body', { status: 400, message: 'Body must be a JSON dict or empty' })
}
