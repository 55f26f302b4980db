/** A wish for a server: checked, put on record, and then left to `start-server.ts`. */
import { randomUUID } from 'node:crypto'
import { HubError } from '../core/errors.ts'
import type { Json } from '../core/runtime.ts'
import { type ServerKey, serverKeyText } from '../core/server-key.ts'
import type { UserRecord } from '../plugin/spawner.ts'
import type { SpawningContext } from './context.ts'
import { dismantle } from './dismantle.ts'
import { checkServer, stateOf } from './inspect-server.ts'
import { checkLimits } from './limits.ts'
import { beginRun } from './run-store.ts'
import { findServer, type ServerRow, userRecord } from './server-row.ts'
import { checkNamedServer, ensureServerRow, noSuchUser } from './server-rows.ts'
import type { HeldServer } from './spawn-lease.ts'
import { asHubError, startServer } from './start-server.ts'
import { holdSoon } from './while-stopped.ts'

export interface StartRequest {
  /** Choices for the spawner; those of the last start when absent. */
  readonly options?: Json
  /** For a named server that does not exist yet; its name when absent. */
  readonly displayName?: string
  /** Name of the user or service that asks, for the log. */
  readonly requestedBy: string
}

/** See `Spawning.start`. */
export async function requestStart(
  context: SpawningContext,
  key: ServerKey,
  request: StartRequest,
): Promise<'started' | 'pending' | 'ready'> {
  const { closing, signals, log } = context
  if (closing.aborted) throw hubCloses()
  const user = await getUser(context, key.user)
  if (key.server !== '') await checkNamedServer(context, user, key.server, request.displayName || key.server)
  const found = await checkServer(context, key)
  if (found.phase === 'ready') return 'ready'
  if (found.phase === 'spawning') return 'pending'
  if (found.phase === 'stopping') throw pendingStop(key)

  const held = await holdSoon(context, key)
  if (!held) return 'pending'
  try {
    const run = await beginStart(context, held, user, request)
    if (typeof run === 'string') {
      await held.release()
      return run
    }
    log.info({ ...key, by: request.requestedBy }, 'starting server')
    signals.notify(run.run.spawnerId)
    context.goOn(startServer(context, held, run))
    return 'started'
  } catch (error) {
    await held.release()
    throw asHubError(error)
  }
}

async function beginStart(
  context: SpawningContext,
  held: HeldServer,
  user: UserRecord,
  { options, displayName }: StartRequest,
) {
  const { database, spawner, clock } = context
  const { key } = held
  const before = await findServer(database, key)
  const found = stateOf(context, before)
  // Another request, or another hub, was quicker.
  if (found.phase === 'ready') return 'ready' as const
  if (found.phase === 'spawning') return 'pending' as const
  if (found.phase === 'stopping') throw pendingStop(key)
  if (before?.serverId !== undefined) await clearRemains(context, held, before)

  const chosen = options ?? before?.options ?? {}
  const checked = spawner.checkOptions ? spawner.checkOptions(user, chosen) : chosen
  const runId = randomUUID()
  const row = await held.write(async tx => {
    await checkLimits(tx, context)
    const server = await ensureServerRow(tx, user, key, { displayName })
    await beginRun(tx, server, runId, options, clock.now())
    return server
  })
  return { run: { spawnerId: row.spawnerId, runId }, user, options: checked }
}

/** What an earlier stop could not end must end now: two servers would share one home. */
async function clearRemains(context: SpawningContext, held: HeldServer, server: ServerRow): Promise<void> {
  if ((await dismantle(context, held, server.spawnerId)) === 'gone') return
  throw new HubError('stop_failed', {
    status: 500,
    message: 'The previous server could not be stopped, so no new one is started.',
    nextStep: 'Try again in a minute, or tell your administrator.',
  })
}

/** See `Spawning.create`. */
export async function createServer(
  context: SpawningContext,
  key: ServerKey,
  { displayName, options }: { displayName?: string; options?: Json },
): Promise<void> {
  const user = await getUser(context, key.user)
  const exists = () =>
    new HubError('server_exists', { status: 409, message: `User ${key.user} already has server ${key.server}` })
  if (await findServer(context.database, key)) throw exists()
  if (key.server !== '') await checkNamedServer(context, user, key.server, displayName || key.server)
  const held = await holdSoon(context, key)
  if (!held) throw exists()
  try {
    await held.write(tx => ensureServerRow(tx, user, key, { displayName, options }))
  } finally {
    await held.release()
  }
}

async function getUser({ database }: SpawningContext, name: string): Promise<UserRecord> {
  const user = await userRecord(database, name)
  if (!user) throw noSuchUser(name)
  return user
}

function pendingStop(key: ServerKey): HubError {
  return new HubError('server_stopping', {
    status: 400,
    message: `${serverKeyText(key)} is pending stop`,
    nextStep: 'Wait until it is stopped, then start it again.',
  })
}

function hubCloses(): HubError {
  return new HubError('hub_closing', { status: 503, message: 'The hub is being restarted. Try again in a moment.' })
}
