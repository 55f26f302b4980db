/** Lets the owner of a start notice that Stop was pressed, in this process or at another hub. */
import { linkedAbort } from '../core/linked-abort.ts'
import { compiledQuery } from '../db/compiled-query.ts'
import type { SpawningContext } from './context.ts'
import { Interruption } from './reasons.ts'
import type { RunKey } from './run-store.ts'
import type { HeldServer } from './spawn-lease.ts'

export interface StopWatch {
  /** Aborts with an `Interruption`: `stop_requested`, `lease_lost` or `hub_closing`. */
  readonly signal: AbortSignal
  end(): void
}

const LOOK_EVERY_MS = 1_000

export function watchForStop({ database, signals }: SpawningContext, held: HeldServer, run: RunKey): StopWatch {
  const stopped = linkedAbort(held.gone)
  const timer = setInterval(() => void look(), LOOK_EVERY_MS)
  timer.unref()
  const unlisten = signals.listen(run.spawnerId, () => void look())
  return {
    signal: stopped.signal,
    end() {
      clearInterval(timer)
      unlisten()
      stopped.unlink()
    },
  }

  // A database that does not answer for a moment is no reason to stop; the lease runs out if it stays so.
  async function look(): Promise<void> {
    const [row] = await runOf(database.db, run.spawnerId).catch(() => [{ phase: 'spawning', run_id: run.runId }])
    const goesOn = row?.run_id === run.runId && (row.phase === 'spawning' || row.phase === 'ready')
    if (!goesOn) stopped.abort(new Interruption('stop_requested'))
  }
}

const runOf = compiledQuery((db, spawnerId: number) =>
  db.selectFrom('orrery_runs').select(['phase', 'run_id']).where('spawner_id', '=', spawnerId),
)
