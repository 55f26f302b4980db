/** What a server is doing now, and waiting until it is done. */
import type { ServerKey } from '../core/server-key.ts'
import type { ServerState } from '../core/server-state.ts'
import type { SpawningContext } from './context.ts'
import { pollServer } from './poll-loop.ts'
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
  const server = await findServer(context.database, key)
  if (!server || stateOf(context, server).phase !== 'ready') return stateOf(context, server)
  await pollServer(context, server)
  return readState(context, key)
}

/** Waits until nothing is pending, at most `timeoutMs`. */
export async function settledState(
  context: SpawningContext,
  key: ServerKey,
  timeoutMs: number,
  signal?: AbortSignal,
): Promise<ServerState> {
  for (const deadline = Date.now() + timeoutMs; ; ) {
    const server = await findServer(context.database, key)
    const now = stateOf(context, server)
    const leftMs = deadline - Date.now()
    if ((now.phase !== 'spawning' && now.phase !== 'stopping') || leftMs <= 0 || signal?.aborted) return now
    await context.signals.wait(server!.spawnerId, Math.min(leftMs, 250), signal)
  }
}
