/** A wish for a server: checked, put on record, and then left to `start-server.ts`. */
import { randomUUID } from 'node:crypto'
import { HubError } from '../core/errors.ts'
import type { Json } from '../core/runtime.ts'
import { type ServerKey, serverKeyText } from '../core/server-key.ts'
import type { DbTransaction } from '../db/database.ts'
import type { UserRecord } from '../plugin/spawner.ts'
import type { SpawningContext } from './context.ts'
import { dismantle } from './dismantle.ts'
import { checkServer, stateOf } from './inspect-server.ts'
import { checkLimits } from './limits.ts'
import { startOptions } from './profiles/start-options.ts'
import { beginRun } from './run-store.ts'
import { findServer, type ServerRow, userRecord } from './server-row.ts'
import { checkNamedServer, ensureServerRow, noSuchUser } from './server-rows.ts'
import { type HeldServer, holdAndWrite } from './spawn-lease.ts'
import { asHubError, type Start, startServer } from './start-server.ts'
import { holdSoon, takeSoon } from './while-stopped.ts'

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

  const begun = await beginStart(context, key, user, request)
  if (typeof begun === 'string') return begun
  log.info({ ...key, by: request.requestedBy }, 'starting server')
  signals.notify(begun.start.run.spawnerId)
  context.goOn(startServer(context, begun.held, begun.start))
  return 'started'
}

/** Takes the server and puts its start on record, in one transaction. */
async function beginStart(
  context: SpawningContext,
  key: ServerKey,
  user: UserRecord,
  request: StartRequest,
): Promise<{ held: HeldServer; start: Start } | 'ready' | 'pending'> {
  try {
    const taken = await takeSoon(context, key, () =>
      holdAndWrite(context, key, async tx => {
        const before = await findServer({ db: tx }, key)
        const { phase } = stateOf(context, before)
        // Another request, or another hub, was quicker.
        if (phase === 'ready') return 'ready'
        if (phase === 'spawning') return 'pending'
        if (phase === 'stopping') throw pendingStop(key)
        return before?.serverId === undefined
          ? recordStart(context, tx, key, user, request, before)
          : { remains: before }
      }),
    )
    if (!taken) return 'pending'
    const { held, written } = taken
    if (typeof written === 'string') {
      await held.release()
      return written
    }
    return {
      held,
      start: 'remains' in written ? await startAnew(context, held, user, request, written.remains) : written,
    }
  } catch (error) {
    throw asHubError(error)
  }
}

async function recordStart(
  context: SpawningContext,
  tx: DbTransaction,
  key: ServerKey,
  user: UserRecord,
  { options, displayName }: StartRequest,
  before: ServerRow | undefined,
): Promise<Start> {
  const { spawner, clock } = context
  const chosen = startOptions(context, user, { given: options, last: before?.options })
  const checked = spawner.checkOptions ? spawner.checkOptions(user, chosen) : chosen
  await checkLimits(tx, context)
  const server = before ?? (await ensureServerRow(tx, user, key, { displayName }))
  const runId = randomUUID()
  await beginRun(tx, server, runId, context.profiles?.length ? chosen : options, clock.now())
  return { run: { spawnerId: server.spawnerId, runId }, user, options: checked }
}

async function startAnew(
  context: SpawningContext,
  held: HeldServer,
  user: UserRecord,
  request: StartRequest,
  remains: ServerRow,
): Promise<Start> {
  try {
    await clearRemains(context, held, remains)
    return await held.write(async tx =>
      recordStart(context, tx, held.key, user, request, await findServer({ db: tx }, held.key)),
    )
  } catch (error) {
    await held.release()
    throw error
  }
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
    const chosen = options === undefined ? undefined : startOptions(context, user, { given: options })
    await held.write(tx => ensureServerRow(tx, user, key, { displayName, options: chosen }))
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
