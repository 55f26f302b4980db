import { setTimeout as sleep } from 'node:timers/promises'
import type { Logger } from '../core/runtime.ts'

/** What every way to run a service is given. */
export interface ServiceRun {
  readonly log: Logger
  /** Told before the process is waited for; what it throws is logged. */
  onStart(process: { pid: number; startTime: string }): Promise<void>
  onEnd(): Promise<void>
}

/** A service that ran for so long has not failed at its start. */
const STEADY_MS = 10_000
const FIRST_PAUSE_MS = 500
const LONGEST_PAUSE_MS = 30_000

/**
 * Runs a service and starts it again whenever it ends, after twice the time for each failure in a row. `runOnce` tells
 * in words how it ended, and ends it when `stop` aborts; then this returns. Never rejects.
 */
export async function keepService(
  runOnce: (stop: AbortSignal) => Promise<string>,
  log: Logger,
  stop: AbortSignal,
): Promise<void> {
  for (let failures = 0; !stop.aborted; ) {
    const startedAt = Date.now()
    const end = await runOnce(stop).catch(error => String(error))
    if (stop.aborted) break
    failures = Date.now() - startedAt > STEADY_MS ? 1 : failures + 1
    const pauseMs = Math.min(LONGEST_PAUSE_MS, FIRST_PAUSE_MS * 2 ** (failures - 1))
    log.error({ end, pauseMs }, 'service ended, it is started again')
    await sleep(pauseMs, undefined, { signal: stop }).catch(() => {})
  }
}
