/** The last steps of a start, once the address is known: it answers, it is this server, every proxy leads to it. */
import { serverPath } from '../core/names.ts'
import type { Json } from '../core/runtime.ts'
import { serverRoute, serverUrl } from '../core/subdomains.ts'
import { JUPYTERHUB_VERSION } from '../http/security-headers.ts'
import type { Address } from '../plugin/spawner.ts'
import { serverTarget } from '../routing/server-target.ts'
import { askServer } from './ask-server.ts'
import type { SpawningContext } from './context.ts'
import type { ProgressLine } from './progress-store.ts'
import { Interruption } from './reasons.ts'
import { finishRun, type RunKey, saveAddress } from './run-store.ts'
import type { HeldServer } from './spawn-lease.ts'
import { waitUntilReady } from './wait-until-ready.ts'

export interface StartedServer {
  readonly run: RunKey
  readonly address: Address
  readonly state: Json
  /** Whether the address is in the database already; else it is written together with the end of the start. */
  readonly isStored: boolean
  /** How long it may take to answer, if not as long as a server whose `start` has returned. */
  readonly timeoutMs?: number
}

/** Gives the lease up when it is ready. Throws SpawnError, HubError or Interruption; the caller undoes what was made. */
export async function becomeReady(
  context: SpawningContext,
  held: HeldServer,
  { run, address, state, isStored, timeoutMs }: StartedServer,
  signal: AbortSignal,
  progress: (line: ProgressLine) => void,
): Promise<void> {
  const { key } = held
  const { environment } = context
  const prefix = serverPath(key, environment.baseUrl)
  progress({ percent: 80, message: 'Waiting for the server to answer' })
  const tls = context.tls?.connectTo(key)
  const answer = await waitUntilReady({
    ask: (ms, waiting, onFault) =>
      askServer(address, { path: `${prefix}api`, timeoutMs: ms, signal: waiting, tls, onFault }),
    isOurs: waiting => ownsAddress(context, held, state, address, waiting),
    poll: waiting => context.spawner.poll(key, state, waiting),
    timeoutMs: timeoutMs ?? context.settings.httpTimeoutMs,
    signal,
  })
  noteVersion(context, held, answer.version)
  const data = { user: key.user, server_name: key.server }
  await context.routes.set(serverRoute(key, environment), serverTarget(address), data, signal)
  const message = `Server ready at ${serverUrl(key, environment)}`
  const isReady = await held.finish(async tx => {
    if (!(await finishRun(tx, run, context.clock.now(), message))) return undefined
    if (!isStored) await saveAddress(tx, run.spawnerId, address, prefix)
    return true
  })
  if (!isReady) throw new Interruption('stop_requested')
  context.signals.notify(run.spawnerId)
}

/** A spawner that cannot tell is believed. */
export async function ownsAddress(
  { spawner }: SpawningContext,
  { key }: Pick<HeldServer, 'key'>,
  state: Json,
  address: Address,
  signal: AbortSignal,
): Promise<boolean> {
  return spawner.owns ? spawner.owns(key, state, address, signal) : true
}

const told = new Set<string>()

/** Signing in can fail in circles between far versions: worth a warning, once for each version. */
function noteVersion({ log }: SpawningContext, { key }: HeldServer, version: string | undefined): void {
  const fields = { ...key, version: version ?? null, expected: JUPYTERHUB_VERSION }
  if (version === undefined) log.warn(fields, 'server does not tell its jupyterhub version; is it before 0.8?')
  else if (version.split('.')[0] === JUPYTERHUB_VERSION.split('.')[0]) log.debug(fields, 'server version')
  else if (!told.has(version)) {
    told.add(version)
    log.warn(fields, 'server has another major version of jupyterhub; signing in to it may fail')
  }
}
