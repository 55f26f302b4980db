/** `/hub/api/shares/OWNER` and `/hub/api/shares/OWNER/SERVER`: who may use whose servers. */
import type { FastifyInstance, FastifyRequest } from 'fastify'
import { scoped } from '../../access/endpoint.ts'
import { getIdentity, may } from '../../access/guards.ts'
import { HubError } from '../../core/errors.ts'
import { printable } from '../../core/names.ts'
import { serverKeyText } from '../../core/server-key.ts'
import { parseBody } from '../../http/json-body.ts'
import type { Page } from '../../http/pagination.ts'
import { findGroup } from '../groups/store.ts'
import { findUser } from '../users/user-store.ts'
import { shareModel } from './models.ts'
import { listSharesOfOwner, refusedForOwner, shareOperations } from './operations.ts'
import {
  checkMayGrant,
  checkScopesExist,
  dbNow,
  getOwnerId,
  getServer,
  keyOf,
  type OwnerParams,
  orEmpty,
  ownerOf,
  pageWithServers,
  refuseWholeOwner,
  type ServerParams,
  type SharesDeps,
  serverPaths,
} from './requests.ts'
import { grantShare, revokeShare } from './rules.ts'
import { shareChange } from './schemas.ts'
import { defaultScopes, scopesForServer } from './share-scopes.ts'
import { deleteShares, listShares, type ShareFilter, type ShareWith } from './share-store.ts'

const OF_OWNER = '/hub/api/shares/:owner'

export function sharesApi(server: FastifyInstance, deps: SharesDeps): void {
  const { access, database, log } = deps

  server.get<OwnerParams>(OF_OWNER, scoped(access, listSharesOfOwner, ownerOf), async request =>
    sharesPage(deps, request, { ownerId: await getOwnerId(deps, request.params.owner) }),
  )
  for (const method of ['post', 'patch', 'delete'] as const) {
    const refused = refusedForOwner(`${method}SharesOfOwner`, listSharesOfOwner)
    server[method](OF_OWNER, scoped(access, refused, ownerOf), refuseWholeOwner)
  }

  for (const { path, which } of serverPaths('/hub/api/shares')) {
    const operations = shareOperations(which)
    server.get<ServerParams>(path, scoped(access, operations.list, keyOf), async request =>
      sharesPage(deps, request, { spawnerId: (await getServer(deps, keyOf(request))).spawnerId }),
    )
    server.post<ServerParams>(path, scoped(access, operations.grant, keyOf), grant)
    server.patch<ServerParams>(path, scoped(access, operations.revoke, keyOf), revoke)
    server.delete<ServerParams>(path, scoped(access, operations.revokeAll, keyOf), async (request, reply) => {
      const { name: by } = await getIdentity(access, request)
      const { spawnerId, key } = await getServer(deps, keyOf(request))
      const count = await deleteShares(database.db, spawnerId)
      access.changed()
      log.info({ by, server: serverKeyText(key), count }, 'shares of a server revoked')
      return reply.code(204).send()
    })
  }

  async function grant(request: FastifyRequest) {
    const { name: by } = await getIdentity(access, request)
    const key = keyOf(request)
    const { scopes: wanted, user, group } = parseBody(orEmpty(request), shareChange)
    checkScopesExist(deps, wanted ?? [])
    const scopes = wanted?.length ? scopesForServer(wanted, key) : defaultScopes(key)
    const row = await getServer(deps, key)
    await checkMayGrant(deps, request, key, scopes)
    await checkMayName(request, { user, group })
    const receiver = await findReceiver({ user, group })
    if (!receiver) throw noSuchReceiver({ user, group })
    return shareModel(deps, await grantShare(deps, by, row, receiver, scopes), row)
  }

  async function revoke(request: FastifyRequest) {
    const { name: by } = await getIdentity(access, request)
    const { scopes, user, group } = parseBody(orEmpty(request), shareChange)
    checkScopesExist(deps, scopes ?? [])
    const row = await getServer(deps, keyOf(request))
    const receiver = await findReceiver({ user, group })
    // Who does not exist has nothing: that is what was asked for.
    const left = receiver && (await revokeShare(deps, by, row, receiver, scopes?.length ? scopes : undefined))
    return left ? shareModel(deps, left, row) : {}
  }

  async function findReceiver({ user, group }: Receiver): Promise<ShareWith | undefined> {
    const userId = user && (await findUser(database.db, user))?.id
    if (userId) return { userId }
    const groupId = group && (await findGroup(database.db, group))?.id
    return groupId ? { groupId } : undefined
  }

  /** Else sharing would tell who has an account. */
  async function checkMayName(request: FastifyRequest, { user, group }: Receiver): Promise<void> {
    const identity = await getIdentity(access, request)
    const scope = user ? 'read:users:name' : 'read:groups:name'
    if (await may(access, identity, scope, user ? { user } : { group: group! })) return // one of both is there
    const message = `Need scope '${scope}' to share with ${user ? 'users' : 'groups'} by name`
    throw new HubError('share_not_permitted', { status: 403, message })
  }
}

type Receiver = { user?: string | null | undefined; group?: string | null | undefined }

export function sharesPage(deps: SharesDeps, request: FastifyRequest, filter: ShareFilter) {
  const list = (page: Page) => listShares(deps.database.db, filter, page, dbNow(deps))
  return pageWithServers(deps, request, list, (row, server) => shareModel(deps, row, server))
}

function noSuchReceiver({ user, group }: Receiver): HubError {
  return user
    ? new HubError('no_such_user', { status: 400, message: `No such user: ${printable(user)}` })
    : new HubError('no_such_group', { status: 400, message: `No such group: ${printable(group ?? '')}` })
}
