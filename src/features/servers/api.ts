/** JupyterHub's endpoints of servers: `/hub/api/users/NAME/server` and `/hub/api/users/NAME/servers/SERVER`. */
import type { FastifyPluginAsync, FastifyReply, FastifyRequest } from 'fastify'
import type { Access } from '../../access/access.ts'
import { scoped } from '../../access/endpoint.ts'
import { getIdentity, may } from '../../access/guards.ts'
import { HubError } from '../../core/errors.ts'
import type { Logger } from '../../core/runtime.ts'
import type { ServerKey } from '../../core/server-key.ts'
import type { ServerState } from '../../core/server-state.ts'
import type { Database } from '../../db/database.ts'
import { sendEventStream } from '../../http/sse.ts'
import type { Hooks, ReadyEvent } from '../../plugin/hooks.ts'
import type { UserRecord } from '../../plugin/spawner.ts'
import { findServer, type ServerRow, userRecord } from '../../spawning/server-row.ts'
import { noSuchUser } from '../../spawning/server-rows.ts'
import { isFailedStart, runReason, serverState } from '../../spawning/server-state.ts'
import type { Spawning } from '../../spawning/spawning.ts'
import type { ServerRefresh } from '../sign-in/server-refresh.ts'
import { changeServer, noSuchServer } from './change-server.ts'
import { mayReadLog } from './log-operations.ts'
import { type ServerModelSettings, serverModel } from './model.ts'
import { serverOperations } from './operations.ts'
import { failedEvent, progressModel, readyEvent } from './progress-model.ts'
import { readRemove, readServerBody, readServerChanges } from './request-body.ts'
import { SERVER_PATHS } from './server-paths.ts'

export interface ServersDeps extends ServerModelSettings {
  readonly database: Database
  readonly access: Access
  readonly spawning: Spawning
  readonly log: Logger
  /** Absent: the authenticator does not look at users again. */
  readonly refresh?: ServerRefresh | undefined
  /** The site's `hooks.progressReady`. */
  readonly progressReady?: Hooks['progressReady'] | undefined
  /** How long POST waits before it answers 202 instead of 201. Default 10 s, as in JupyterHub. */
  readonly slowSpawnTimeoutMs?: number
  /** How long DELETE waits before it answers 202 instead of 204. Default 10 s. */
  readonly slowStopTimeoutMs?: number
}

type Named = { Params: { name: string; server?: string } }

export function serversApi(deps: ServersDeps): FastifyPluginAsync {
  const { access, database, spawning, baseUrl, log } = deps
  const { slowSpawnTimeoutMs = 10_000, slowStopTimeoutMs = 10_000 } = deps
  const model = serverModel(deps)
  const keyOf = (request: FastifyRequest): ServerKey => {
    const { name, server = '' } = request.params as Named['Params']
    return { user: name, server }
  }

  return async server => {
    for (const which of ['DefaultServer', 'UnnamedServer', 'NamedServer'] as const) {
      const path = SERVER_PATHS[which]
      const operations = serverOperations(which)
      server.get<Named>(path, scoped(access, operations.show, keyOf), show)
      server.put<Named>(path, scoped(access, operations.create, keyOf), create)
      const starting = scoped(access, operations.start, keyOf)
      server.post<Named>(path, { ...starting, config: { ...starting.config, changesAccess: false } }, start)
      server.patch<Named>(path, scoped(access, operations.change, keyOf), change)
      server.delete<Named>(path, scoped(access, operations.stop, keyOf), stop)
      server.get<Named>(`${path.replace(/\/$/, '')}/progress`, scoped(access, operations.progress, keyOf), progress)
    }
  }

  async function show(request: FastifyRequest) {
    return modelOf(request, await getServer(keyOf(request)))
  }

  async function create(request: FastifyRequest, reply: FastifyReply) {
    const key = keyOf(request)
    await getUser(key.user)
    if (key.server === '') {
      throw new HubError('server_exists', { status: 409, message: `User ${key.user} already has a default server` })
    }
    const { displayName, options } = readServerBody(request.body)
    await spawning.create(key, { ...(displayName && { displayName }), ...(options && { options }) })
    return reply.code(201).send(await modelOf(request, await getServer(key)))
  }

  async function start(request: FastifyRequest, reply: FastifyReply) {
    const key = keyOf(request)
    const user = await getUser(key.user)
    const { displayName, options } = readServerBody(request.body)
    const identity = await getIdentity(access, request)
    const { name: requestedBy } = identity
    await deps.refresh?.beforeStart(user, identity)
    const outcome = await spawning.start(key, {
      requestedBy,
      ...(displayName && { displayName }),
      ...(options && { options }),
    })
    if (outcome === 'ready')
      throw new HubError('server_running', { status: 400, message: `${logName(key)} is already running` })
    if (outcome === 'pending') return plain(reply, 202)
    if (displayName && key.server !== '') await updateDisplayName(key, displayName)
    const state = await spawning.settled(key, slowSpawnTimeoutMs)
    if (state.phase === 'failed' || state.phase === 'stopped') throw startFailed(state)
    return plain(reply, state.phase === 'ready' ? 201 : 202)
  }

  async function change(request: FastifyRequest) {
    const key = keyOf(request)
    const user = await getUser(key.user)
    const { name: by } = await getIdentity(access, request)
    const changes = readServerChanges(request.body)
    const changed = await changeServer({ database, spawning }, user, key, changes)
    log.info({ ...key, by, changes: Object.keys(changes) }, 'server changed')
    return modelOf(request, await getServer(changed))
  }

  async function stop(request: FastifyRequest, reply: FastifyReply) {
    const key = keyOf(request)
    const user = await getUser(key.user)
    const identity = await getIdentity(access, request)
    const { name: by } = identity
    const remove = readRemove(request.body)
    await checkStoppable(key, remove)
    await deps.refresh?.beforeStop(user, identity)
    // A server that has ended by itself is noticed now, and then there is nothing to stop.
    await spawning.check(key)
    const outcome = remove ? await spawning.remove(key, { by }) : await spawning.stop(key, { by })
    if (outcome !== 'stopping') return plain(reply, 204)
    const { phase } = await spawning.settled(key, slowStopTimeoutMs)
    return plain(reply, phase === 'stopping' ? 202 : 204)
  }

  async function progress(request: FastifyRequest, reply: FastifyReply) {
    const key = keyOf(request)
    const row = await getServer(key)
    const { phase } = serverState(row, baseUrl)
    const isUnderWay = phase === 'spawning' || (phase === 'stopping' && (row.run?.percent ?? 100) < 100)
    if (!isUnderWay && phase !== 'ready' && !isFailedStart(row.run)) {
      throw new HubError('server_not_starting', { status: 400, message: `${logName(key)} is not starting...` })
    }
    const withLog = await mayReadLog(access, await getIdentity(access, request), key)
    return sendEventStream(request, reply, async function* (signal) {
      if (phase === 'ready') yield { data: await toldReady(key) }
      else if (!isUnderWay) yield { data: failedEvent(row.run && runReason(row.run), { withLog }) }
      else {
        const afterId = Number(request.headers['last-event-id'] ?? 0) || 0
        for await (const event of spawning.events(key, { afterId, signal })) {
          yield { data: event.ready ? await toldReady(key) : progressModel(event, { withLog }), id: event.id }
        }
      }
    })
  }

  /** As JupyterHub: a hook that fails changes nothing. */
  async function toldReady(key: ServerKey): Promise<ReadyEvent> {
    const event = readyEvent(key, deps)
    try {
      return (await deps.progressReady?.({ ...event }, key)) ?? event
    } catch (error) {
      log.error({ ...key, err: error }, 'hooks.progressReady failed')
      return event
    }
  }

  async function getUser(name: string): Promise<UserRecord> {
    const user = await userRecord(database, name)
    if (!user) throw noSuchUser(name)
    return user
  }

  /** Everybody has a default server, even before its row is made. */
  async function getServer(key: ServerKey): Promise<ServerRow> {
    const row = await findServer(database, key)
    if (row) return row
    await getUser(key.user)
    if (key.server !== '') throw noSuchServer(key)
    await spawning.create(key, {}).catch(error => {
      if ((error as { code?: string }).code !== 'server_exists') throw error
    })
    return (await findServer(database, key))! // rows of default servers are not deleted
  }

  async function modelOf(request: FastifyRequest, row: ServerRow) {
    const identity = await getIdentity(access, request)
    return model(row, { withState: await may(access, identity, 'admin:server_state', row.key) })
  }

  async function checkStoppable(key: ServerKey, remove: boolean): Promise<void> {
    if (key.server === '') {
      if (!remove) return
      throw new HubError('default_server', { status: 400, message: 'Cannot delete the default server' })
    }
    if (!spawning.allowsNamedServers) {
      throw new HubError('named_servers_disabled', { status: 400, message: 'Named servers are not enabled.' })
    }
    if (await findServer(database, key)) return
    throw new HubError('no_such_server', { status: 404, message: `${key.user} has no server named '${key.server}'` })
  }

  async function updateDisplayName({ user, server }: ServerKey, displayName: string): Promise<void> {
    await database.db
      .updateTable('spawners')
      .set({ display_name: displayName.normalize('NFC') })
      .where('name', '=', server)
      .where('user_id', 'in', query => query.selectFrom('users').select('id').where('name', '=', user))
      .execute()
  }
}

/** JupyterHub answers with an empty text. */
function plain(reply: FastifyReply, status: 201 | 202 | 204): FastifyReply {
  return reply
    .code(status)
    .type('text/plain')
    .send(status === 204 ? undefined : '')
}

/** How JupyterHub names a server in its messages. */
function logName({ user, server }: ServerKey): string {
  return server === '' ? user : `${user}:${server}`
}

function startFailed(state: Extract<ServerState, { phase: 'failed' | 'stopped' }>): HubError {
  const { reason } = state
  return new HubError(reason?.code ?? 'spawn_failed', {
    status: reason?.code === 'invalid_user_options' ? 400 : 500,
    message: reason?.message ?? 'The server did not start.',
    ...(reason?.nextStep && { nextStep: reason.nextStep }),
  })
}
