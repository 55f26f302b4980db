/** What a server is doing now, and waiting until it is done. */
import type { ServerKey } from '../core/server-key.ts'
import type { ServerState } from '../core/server-state.ts'
import type { SpawningContext } from './context.ts'
import { type PollOutcome, pollServer } from './poll-loop.ts'
import { findServer, type ServerRow } from './server-row.ts'
import { serverState } from './server-state.ts'

export function stateOf({ environment }: SpawningContext, server: ServerRow | undefined): ServerState {
  return serverState(server, environment.baseUrl)
}

export async function readState(context: SpawningContext, key: ServerKey): Promise<ServerState> {
  return stateOf(context, await findServer(context.database, key))
}

/** As `readState`, after the spawner was asked whether a running server still is; one that ended is cleared away. */
export async function checkServer(context: SpawningContext, key: ServerKey): Promise<ServerState> {
  const { state } = await pollReady(context, key)
  return state ?? readState(context, key)
}

/** Asks the spawner after a server that is ready. `state` of one that is not, which nobody needs to ask after. */
export async function pollReady(
  context: SpawningContext,
  key: ServerKey,
): Promise<{ outcome: PollOutcome; state?: ServerState }> {
  const server = await findServer(context.database, key)
  const state = stateOf(context, server)
  if (!server || state.phase !== 'ready') return { outcome: 'unknown', state }
  return { outcome: await pollServer(context, server) }
}

/** How soon a change is noticed that another hub has made; this process tells of its own. */
const SHORTEST_PAUSE_MS = 250
const LONGEST_PAUSE_MS = 1_000

/** Waits until nothing is pending, at most `timeoutMs`. */
export async function settledState(
  context: SpawningContext,
  key: ServerKey,
  timeoutMs: number,
  signal?: AbortSignal,
): Promise<ServerState> {
  let pauseMs = SHORTEST_PAUSE_MS
  for (const deadline = Date.now() + timeoutMs; ; pauseMs = Math.min(pauseMs * 1.5, LONGEST_PAUSE_MS)) {
    const server = await findServer(context.database, key)
    const now = stateOf(context, server)
    const leftMs = deadline - Date.now()
    if ((now.phase !== 'spawning' && now.phase !== 'stopping') || leftMs <= 0 || signal?.aborted) return now
    await context.signals.wait(server!.spawnerId, Math.min(leftMs, pauseMs), signal)
  }
}
