/** One start, from the lease to "ready", and its undoing. The order of the steps is that of the design's "One spawn". */
import { HubError } from '../core/errors.ts'
import { serverPath } from '../core/names.ts'
import { SpawnError } from '../core/reason.ts'
import type { Json } from '../core/runtime.ts'
import type { Address, ServerSpec, UserRecord } from '../plugin/spawner.ts'
import { becomeReady } from './become-ready.ts'
import type { SpawningContext } from './context.ts'
import { type Credentials, giveCredentials } from './credentials.ts'
import { serverEnvironment } from './environment.ts'
import { failStart } from './fail-start.ts'
import { type ProgressWriter, progressWriter } from './progress-writer.ts'
import { Interruption, startTimeoutReason } from './reasons.ts'
import { type RunKey, saveAddress, saveState } from './run-store.ts'
import type { HeldServer } from './spawn-lease.ts'
import { watchForStop } from './watch-for-stop.ts'

export interface Start {
  readonly run: RunKey
  readonly user: UserRecord
  readonly options: Json
}

/** Never rejects; releases the lease. How it went stands in the database. */
export async function startServer(context: SpawningContext, held: HeldServer, start: Start): Promise<void> {
  const { log, observer } = context
  const { key } = held
  const startedAt = performance.now()
  const watch = watchForStop(context, held, start.run)
  const progress = progressWriter(context, held, start.run)
  try {
    await bringUp(context, held, start, watch.signal, progress)
    const ms = Math.round(performance.now() - startedAt)
    log.info({ ...key, ms }, 'server ready')
    context.failures.inARow = 0
    observer.started?.(key, 'success', ms)
  } catch (error) {
    const outcome = await failStart(context, held, start.run, watch.signal.aborted ? watch.signal.reason : error)
    observer.started?.(key, outcome, performance.now() - startedAt)
  } finally {
    watch.end()
    await held.release().catch(error => log.warn({ ...key, err: error }, 'lease could not be given up'))
    context.signals.notify(start.run.spawnerId)
  }
}

async function bringUp(
  context: SpawningContext,
  held: HeldServer,
  { run, user, options }: Start,
  signal: AbortSignal,
  progress: ProgressWriter,
): Promise<void> {
  const { environment, hooks } = context
  const credentials = await giveCredentials(context, held, run, user)
  const spec = serverSpec(context, user, held, options, credentials)
  await Promise.race([hooks.beforeStart?.(user, spec), rejection(signal)])
  await progress.add({ percent: 20, message: 'Starting the server' })
  const { address, state } = await callSpawner(context, held, run, spec, signal, progress)
  await held.write(tx => saveAddress(tx, run.spawnerId, address, serverPath(held.key, environment.baseUrl)))
  await becomeReady(context, held, { run, address, state }, signal, progress.add)
}

function serverSpec(
  { settings, environment }: SpawningContext,
  user: UserRecord,
  { key }: HeldServer,
  options: Json,
  { token: apiToken, oauthClientAllowedScopes }: Credentials,
): ServerSpec {
  const { command, notebookDir, limits, guarantees, listen, stopTimeoutMs } = settings
  return {
    key,
    user,
    options,
    command,
    environment: bind =>
      serverEnvironment(environment, {
        key,
        apiToken,
        bind,
        notebookDir,
        limits,
        guarantees,
        oauthClientAllowedScopes,
      }),
    prefix: serverPath(key, environment.baseUrl),
    notebookDir,
    limits,
    guarantees,
    listen,
    stopTimeoutMs,
  }
}

async function callSpawner(
  context: SpawningContext,
  held: HeldServer,
  run: RunKey,
  spec: ServerSpec,
  interrupted: AbortSignal,
  progress: ProgressWriter,
): Promise<{ address: Address; state: Json }> {
  const { spawner, settings, log } = context
  const overdue = new AbortController()
  // A hub that ends does not wait for it.
  const timer = setTimeout(() => overdue.abort(new Interruption('start_timeout')), settings.startTimeoutMs).unref()
  const signal = AbortSignal.any([interrupted, overdue.signal])
  let state: Json = {}
  const started = Promise.resolve().then(() =>
    spawner.start(spec, {
      signal,
      log: log.child({ ...spec.key }),
      saveState: async next => {
        await held.write(tx => saveState(tx, run.spawnerId, next))
        state = next
      },
      progress: event => void progress.add({ ...event, percent: event.percent ?? 0 }).catch(() => {}),
    }),
  )
  context.delicate.add(started)
  try {
    const address = await Promise.race([started, rejection(signal)])
    return { address, state }
  } catch (error) {
    // A spawner that heeds the signal clears up after itself; one that does not is not waited for long.
    if (signal.aborted) await Promise.race([started.catch(() => {}), pause(ABORT_GRACE_MS)])
    if (overdue.signal.aborted && !interrupted.aborted) {
      throw new SpawnError(startTimeoutReason(settings.startTimeoutMs), { status: 504, cause: error })
    }
    throw error
  } finally {
    clearTimeout(timer)
    context.delicate.delete(started)
  }
}

const ABORT_GRACE_MS = 5_000

function rejection(signal: AbortSignal): Promise<never> {
  return new Promise((_, reject) => {
    signal.addEventListener('abort', () => reject(signal.reason), { once: true })
    if (signal.aborted) reject(signal.reason)
  })
}

function pause(ms: number): Promise<void> {
  return new Promise(resolve => setTimeout(resolve, ms).unref())
}

/** What a spawner threw at a request that waits for it, as an answer. */
export function asHubError(error: unknown): unknown {
  if (!(error instanceof SpawnError)) return error
  const { code, message, nextStep } = error.reason
  return new HubError(code, { status: error.status, message, ...(nextStep && { nextStep }), cause: error })
}
