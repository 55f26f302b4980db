/** The story of a start as it is told, at whichever hub it happens. */

import type { ServerKey } from '../core/server-key.ts'
import type { ProgressEvent } from '../core/server-state.ts'
import type { SpawningContext } from './context.ts'
import { finalEvent, readProgress } from './progress-store.ts'
import { findServer, type RunRow } from './server-row.ts'
import { runReason } from './server-state.ts'

const SHORTEST_PAUSE_MS = 100
const LONGEST_PAUSE_MS = 1_000

/**
 * Events of the latest start after `afterId`, and those to come; the last one is `ready` or `failed`. Ends without one
 * when the server was never started, or `signal` aborts.
 */
export async function* serverEvents(
  { database, signals }: Pick<SpawningContext, 'database' | 'signals'>,
  key: ServerKey,
  { afterId = 0, signal }: { afterId?: number; signal?: AbortSignal } = {},
): AsyncIterable<ProgressEvent> {
  let lastId = afterId
  let pauseMs = SHORTEST_PAUSE_MS
  while (!signal?.aborted) {
    const server = await findServer(database, key)
    if (!server?.run) return
    const { spawnerId, run } = server
    const events = await readProgress(database, { spawnerId, runId: run.runId }, lastId)
    if (isOver(run)) {
      yield* events.map((event, index) => (index === events.length - 1 ? asFinal(event, run) : event))
      return
    }
    // The last line is written together with the end. If that came between the two reads, both are read again.
    const latest = (await findServer(database, key))?.run
    if (latest?.runId !== run.runId || isOver(latest)) continue
    yield* events
    lastId = events.at(-1)?.id ?? lastId
    pauseMs = events.length > 0 ? SHORTEST_PAUSE_MS : Math.min(pauseMs * 1.5, LONGEST_PAUSE_MS)
    await signals.waitForNews(spawnerId, pauseMs, signal)
  }
}

/** A start that is being undone is not over yet. */
function isOver(run: RunRow): boolean {
  return run.phase !== 'spawning' && (run.phase !== 'stopping' || run.percent === 100)
}

function asFinal(event: ProgressEvent, run: RunRow): ProgressEvent {
  if (run.phase === 'ready') return finalEvent(event, { ready: true })
  return finalEvent(event, { failed: runReason(run) ?? { code: 'stopped', message: 'The server was stopped.' } })
}
