/** `/hub/api/share-codes/OWNER` and `/hub/api/share-codes/OWNER/SERVER`: invitations to whoever has the code. */
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify'
import { scoped } from '../../access/endpoint.ts'
import { getIdentity } from '../../access/guards.ts'
import { HubError } from '../../core/errors.ts'
import { printable } from '../../core/names.ts'
import { serverKeyText } from '../../core/server-key.ts'
import { parseBody } from '../../http/json-body.ts'
import type { Page } from '../../http/pagination.ts'
import { queryValue } from '../../http/query.ts'
import { type CodeFilter, deleteCodes, findCode, findCodeById, listCodes } from './code-store.ts'
import { parseCodeId, shareCodeModel } from './models.ts'
import { codeOperations, listCodesOfOwner, refusedForOwner } from './operations.ts'
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
import { makeCode } from './rules.ts'
import { newCode } from './schemas.ts'
import { defaultScopes, scopesForServer } from './share-scopes.ts'

const OF_OWNER = '/hub/api/share-codes/:owner'

export function codesApi(server: FastifyInstance, deps: SharesDeps): void {
  const { access, database, log } = deps

  server.get<OwnerParams>(OF_OWNER, scoped(access, listCodesOfOwner, ownerOf), async request =>
    codesPage(request, { ownerId: await getOwnerId(deps, request.params.owner) }),
  )
  for (const method of ['post', 'delete'] as const) {
    const refused = refusedForOwner(`${method}ShareCodesOfOwner`, listCodesOfOwner)
    server[method](OF_OWNER, scoped(access, refused, ownerOf), refuseWholeOwner)
  }

  for (const { path, which } of serverPaths('/hub/api/share-codes')) {
    const operations = codeOperations(which)
    server.get<ServerParams>(path, scoped(access, operations.list, keyOf), async request =>
      codesPage(request, { spawnerId: (await getServer(deps, keyOf(request))).spawnerId }),
    )
    server.post<ServerParams>(path, scoped(access, operations.create, keyOf), make)
    server.delete<ServerParams>(path, scoped(access, operations.revoke, keyOf), remove)
  }

  async function make(request: FastifyRequest) {
    const { name: by } = await getIdentity(access, request)
    const key = keyOf(request)
    const { scopes: wanted, expires_in } = parseBody(orEmpty(request), newCode)
    checkScopesExist(deps, wanted ?? [])
    const scopes = wanted?.length ? scopesForServer(wanted, key) : defaultScopes(key)
    await checkMayGrant(deps, request, key, scopes)
    const row = await getServer(deps, key)
    const { id, code } = await makeCode(deps, by, row, { scopes, expiresInSeconds: expires_in })
    return shareCodeModel(deps, (await findCodeById(database.db, id))!, row, code) // just written
  }

  /** `?code=` or `?id=` revoke one, neither all of them. What was accepted with it stays. */
  async function remove(request: FastifyRequest, reply: FastifyReply) {
    const { name: by } = await getIdentity(access, request)
    const row = await getServer(deps, keyOf(request))
    const count = await deleteCodes(database.db, row.spawnerId, await chosenCode(request, row.spawnerId))
    log.info({ by, server: serverKeyText(row.key), count }, 'share codes revoked')
    return reply.code(204).send()
  }

  /** Undefined when none was chosen. Throws 404. */
  async function chosenCode(request: FastifyRequest, spawnerId: number): Promise<number | undefined> {
    const code = queryValue(request, 'code')
    const id = queryValue(request, 'id')
    if (!code && !id) return undefined
    const rowId = id && !code ? parseCodeId(id) : undefined
    const found = code
      ? await findCode(database.db, code, dbNow(deps))
      : rowId === undefined
        ? undefined
        : await findCodeById(database.db, rowId)
    if (found?.spawnerId === spawnerId) return found.id
    const message = code ? 'No matching code found' : `No code found matching id=${printable(id ?? '')}`
    throw new HubError('no_such_share_code', { status: 404, message })
  }

  function codesPage(request: FastifyRequest, filter: CodeFilter) {
    const list = (page: Page) => listCodes(database.db, filter, page, dbNow(deps))
    return pageWithServers(deps, request, list, (row, server) => shareCodeModel(deps, row, server))
  }
}
