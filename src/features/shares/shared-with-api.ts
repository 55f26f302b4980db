/** `/hub/api/users/NAME/shared` and `/hub/api/groups/NAME/shared`: what others share with them, and giving it back. */
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify'
import { scoped } from '../../access/endpoint.ts'
import { getIdentity, type TargetOf } from '../../access/guards.ts'
import { HubError } from '../../core/errors.ts'
import { printable } from '../../core/names.ts'
import { serverKeyText } from '../../core/server-key.ts'
import { findServer, type ServerRow } from '../../spawning/server-row.ts'
import { getGroup } from '../groups/rules.ts'
import { findUser } from '../users/user-store.ts'
import { shareModel } from './models.ts'
import { receivedOperations } from './operations.ts'
import { dbNow, getOwnerId, keyOf, type SharesDeps, serverPaths } from './requests.ts'
import { revokeShare } from './rules.ts'
import { findShare, type ShareWith } from './share-store.ts'
import { sharesPage } from './shares-api.ts'

type Named = { Params: { name: string } }
type Kind = 'user' | 'group'

export function sharedWithApi(server: FastifyInstance, deps: SharesDeps): void {
  const { access, database } = deps
  const { db } = database

  for (const kind of ['user', 'group'] as const) {
    const prefix = `/hub/api/${kind}s/:name/shared`
    const whom: TargetOf = request => ({ [kind]: nameOf(request) })
    const received = receivedOperations(kind)

    server.get<Named>(prefix, scoped(access, received.list, whom), async request => {
      const { name } = request.params
      // What a user's groups have is theirs to see, too.
      return kind === 'user'
        ? sharesPage(deps, request, { receiverId: await getOwnerId(deps, name) })
        : sharesPage(deps, request, { groupId: (await getGroup(db, name)).id })
    })

    for (const { path, which } of serverPaths(prefix)) {
      const { show, leave } = received.ofServer(which)
      server.get<Named>(path, scoped(access, show, whom), async request => {
        const { share, row } = await getShare(request, kind)
        return shareModel(deps, share, row)
      })
      server.delete<Named>(path, scoped(access, leave, whom), (request, reply) => giveBack(request, reply, kind))
    }
  }

  async function giveBack(request: FastifyRequest, reply: FastifyReply, kind: Kind) {
    const { name: by } = await getIdentity(access, request)
    const { row, receiver } = await getShare(request, kind)
    await revokeShare(deps, by, row, receiver)
    return reply.code(204).send()
  }

  async function getShare(request: FastifyRequest, kind: Kind) {
    const receiver = await findReceiver(kind, nameOf(request))
    const key = keyOf(request)
    const row: ServerRow | undefined = receiver && (await findServer(database, key))
    const share = row && receiver && (await findShare(db, row.spawnerId, receiver, dbNow(deps)))
    if (share) return { share, row, receiver }
    const whom = `${kind} ${printable(nameOf(request))}`
    const message = `No such share for ${whom} on ${printable(serverKeyText(key))}`
    throw new HubError('no_such_share', { status: 404, message })
  }

  async function findReceiver(kind: Kind, name: string): Promise<ShareWith | undefined> {
    if (kind === 'group') return { groupId: (await getGroup(db, name)).id }
    const user = await findUser(db, name)
    return user && { userId: user.id }
  }
}

function nameOf(request: FastifyRequest): string {
  return (request.params as Named['Params']).name
}
