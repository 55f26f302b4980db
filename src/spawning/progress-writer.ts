/** Writes a start's story in the order it is told; a line that comes too late is dropped. */
import type { SpawningContext } from './context.ts'
import { addProgress, type ProgressLine } from './progress-store.ts'
import type { RunKey } from './run-store.ts'
import type { HeldServer } from './spawn-lease.ts'

export interface ProgressWriter {
  /** Resolves when the line is stored. Rejects when the lease is lost. */
  add(line: ProgressLine): Promise<void>
}

/** 100 is reserved for "ready". */
const HIGHEST_PERCENT = 99

export function progressWriter(context: SpawningContext, held: HeldServer, run: RunKey): ProgressWriter {
  let tail: Promise<void> = Promise.resolve()
  let percent = 0
  return {
    add(line) {
      percent = Math.max(percent, Math.min(Math.round(line.percent), HIGHEST_PERCENT))
      const stored = { ...line, percent }
      const turn = tail.then(async () => {
        await held.write(tx => addProgress(tx, run, context.clock.now(), stored))
        context.signals.notify(run.spawnerId)
      })
      tail = turn.catch(() => {})
      return turn
    },
  }
}
