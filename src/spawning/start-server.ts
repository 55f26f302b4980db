/** One start, from the lease to "ready", and its undoing. The order of the steps is that of the design's "One spawn". */
import { HubError } from '../core/errors.ts'
import { linkedAbort } from '../core/linked-abort.ts'
import { serverPath } from '../core/names.ts'
import { SpawnError } from '../core/reason.ts'
import type { Json } from '../core/runtime.ts'
import type { ServerDraft } from '../plugin/hooks.ts'
import type { Address, ServerSpec, ServerTls, UserRecord } from '../plugin/spawner.ts'
import { becomeReady } from './become-ready.ts'
import type { SpawningContext } from './context.ts'
import { type Credentials, giveCredentials } from './credentials.ts'
import { serverEnvironment } from './environment.ts'
import { failStart } from './fail-start.ts'
import { type ProgressWriter, progressWriter } from './progress-writer.ts'
import { hookTimeoutReason, Interruption, speaksPlainly, startTimeoutReason } from './reasons.ts'
import { type RunKey, saveAddress, saveState } from './run-store.ts'
import { draftServer, type SettledServer, settleDraft } from './server-draft.ts'
import type { HeldServer } from './spawn-lease.ts'
import { watchForStop } from './watch-for-stop.ts'

export interface Start {
  readonly run: RunKey
  readonly user: UserRecord
  readonly options: Json
}

/** Never rejects; releases the lease. How it went stands in the database. */
export async function startServer(context: SpawningContext, lease: HeldServer, start: Start): Promise<void> {
  const { log, observer } = context
  const { key } = lease
  const startedAt = performance.now()
  const watch = watchForStop(context, lease, start.run)
  const progress = progressWriter(context, lease, start.run)
  const { held } = progress
  try {
    await bringUp(context, start, watch.signal, progress)
    const ms = Math.round(performance.now() - startedAt)
    log.info({ ...key, ms }, 'server ready')
    context.failures.inARow = 0
    observer.started?.(key, 'success', ms)
  } catch (error) {
    await progress.end().catch(() => {}) // of a lost lease, which is what `error` tells, too
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
  { run, user, options }: Start,
  signal: AbortSignal,
  progress: ProgressWriter,
): Promise<void> {
  const { spawner, environment } = context
  const { held } = progress
  const credentials = await giveCredentials(context, held, run, user)
  const draft = draftServer(context, { key: held.key, user, options })
  const settled = await prepare(context, draft, signal)
  const tls = await context.tls?.issue({ key: held.key, user, ip: context.settings.listen.ip })
  const spec = serverSpec(context, draft, settled, credentials, tls)
  progress.add({ percent: 20, message: 'Starting the server' })
  const startTimeoutMs = settled.startTimeout * 1000
  const { address, state } = await callSpawner(context, { run, spec, startTimeoutMs }, signal, progress)
  // A hub that finishes this start must find the address: here, or by the state that is stored already.
  const isStored = !spawner.stateTellsAddress
  if (isStored)
    await held.write(tx => saveAddress(tx, run.spawnerId, address, serverPath(held.key, environment.baseUrl)))
  const timeoutMs = settled.httpTimeout * 1000
  await becomeReady(context, held, { run, address, state, isStored, timeoutMs }, signal, progress.add)
}

/** What authenticator and site have to do and to say before a start; they may take as long as the start itself. */
async function prepare(context: SpawningContext, draft: ServerDraft, signal: AbortSignal): Promise<SettledServer> {
  const { hooks, settings } = context
  const timed = linkedAbort(signal)
  const timer = setTimeout(
    () => timed.abort(new SpawnError(hookTimeoutReason(settings.startTimeoutMs), { status: 504 })),
    settings.startTimeoutMs,
  ).unref()
  const interrupted = rejection(timed.signal)
  try {
    await Promise.race([hooks.beforeStart?.(draft), interrupted])
    await Promise.race([hooks.prepare?.(draft, timed.signal), interrupted])
    return settleDraft(draft)
  } finally {
    clearTimeout(timer)
    timed.unlink()
  }
}

function serverSpec(
  { settings, environment }: SpawningContext,
  { key, user, options }: ServerDraft,
  settled: SettledServer,
  { token: apiToken, oauthClientId, oauthClientAllowedScopes }: Credentials,
  tls: ServerTls | undefined,
): ServerSpec {
  const { cmd, args, notebookDir, defaultUrl, debug, disableUserConfig } = settled
  const site = { ...environment, extra: settled.environment, defaultUrl, debug, disableUserConfig }
  const limits = {
    ...resources(settled.memLimit, settled.cpuLimit),
    ...(settled.taskLimit !== undefined && { tasks: settled.taskLimit }),
    ...(settled.fileSizeLimit !== undefined && { fileBytes: settled.fileSizeLimit }),
  }
  const guarantees = resources(settled.memGuarantee, settled.cpuGuarantee)
  return {
    key,
    user,
    options,
    command: [...cmd, ...args],
    environment: (bind, files) =>
      serverEnvironment(site, {
        ...{ key, apiToken, bind, notebookDir, limits, guarantees, oauthClientId, oauthClientAllowedScopes },
        ...(tls && { tls: { files } }),
      }),
    prefix: serverPath(key, environment.baseUrl),
    notebookDir,
    limits,
    guarantees,
    listen: settings.listen,
    ...(tls && { tls }),
    stopTimeoutMs: settings.stopTimeoutMs,
  }
}

function resources(memoryBytes: number | undefined, cpus: number | undefined) {
  return { ...(memoryBytes !== undefined && { memoryBytes }), ...(cpus !== undefined && { cpus }) }
}

async function callSpawner(
  context: SpawningContext,
  { run, spec, startTimeoutMs }: { run: RunKey; spec: ServerSpec; startTimeoutMs: number },
  interrupted: AbortSignal,
  progress: ProgressWriter,
): Promise<{ address: Address; state: Json }> {
  const { spawner, log } = context
  const { held } = progress
  const timed = linkedAbort(interrupted)
  const { signal } = timed
  // A hub that ends does not wait for it.
  const timer = setTimeout(() => timed.abort(new Interruption('start_timeout')), startTimeoutMs).unref()
  let state: Json = {}
  let lastSeen: string | undefined
  const started = Promise.resolve().then(() =>
    spawner.start(spec, {
      signal,
      log: log.child({ ...spec.key }),
      saveState: async next => {
        await held.write(tx => saveState(tx, run.spawnerId, next))
        state = next
        // From here on another hub can finish it.
        if (spawner.stateTellsAddress) context.delicate.delete(started)
      },
      progress: event => {
        lastSeen = event.message
        progress.add({ ...event, percent: event.percent ?? 0 })
      },
    }),
  )
  context.delicate.add(started)
  try {
    const address = await Promise.race([started, rejection(signal)])
    if (spec.tls && address.proto !== 'https') throw new SpawnError(speaksPlainly)
    return { address, state }
  } catch (error) {
    // A spawner that heeds the signal clears up after itself; one that does not is not waited for long.
    if (signal.aborted) await Promise.race([started.catch(() => {}), pause(ABORT_GRACE_MS)])
    if (signal.aborted && !interrupted.aborted) {
      throw new SpawnError(startTimeoutReason(startTimeoutMs, lastSeen), { status: 504, cause: error })
    }
    throw error
  } finally {
    clearTimeout(timer)
    timed.unlink()
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
