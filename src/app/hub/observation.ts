/** What the hub tells of itself: metrics, the event log, how busy its event loop is. */
import type { Config } from '../../config/schema.ts'
import type { Clock, Logger } from '../../core/runtime.ts'
import type { Database } from '../../db/database.ts'
import { openServerActionLog, type ServerActionLog } from '../../features/events/server-action-log.ts'
import { databaseCounts } from '../../features/metrics/counts.ts'
import { measureEventLoop } from '../../http/event-loop-interval.ts'
import { createHubMetrics, type HubMetrics } from '../../http/metrics.ts'

export interface Observation {
  readonly metrics: HubMetrics
  /** Undefined where no file is configured. */
  readonly events: ServerActionLog | undefined
  /** The hub answers: ends the measurement of its start, begins that of its event loop. */
  started(): void
  close(): Promise<void>
}

/** Throws HubError `event_log_unwritable`. */
export async function observeHub({
  config,
  database,
  log,
  clock,
}: {
  config: Config
  database: Database
  log: Logger
  clock: Clock
}): Promise<Observation> {
  const { activeUsersEvery, eventLoop, eventLoopResolution, eventLoopWarnAbove } = config.metrics
  const metrics = createHubMetrics({
    env: process.env,
    counts: databaseCounts(database.db),
    now: () => clock.now(),
    activeUsersMaxAgeMs: activeUsersEvery * 1000,
  })
  const { file } = config.events
  const events = file === undefined ? undefined : await openServerActionLog(file, { clock, log })
  const startedUp = metrics.hubStartupDuration.startTimer()
  let endEventLoop = () => {}
  return {
    metrics,
    events,
    started() {
      startedUp()
      if (!eventLoop) return
      const options = { resolution: eventLoopResolution, warnAbove: eventLoopWarnAbove, log }
      endEventLoop = measureEventLoop(metrics.eventLoopInterval, options)
    },
    async close() {
      endEventLoop()
      await events?.close()
    },
  }
}
