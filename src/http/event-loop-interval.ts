import type { Histogram } from 'prom-client'
import type { Logger } from '../core/runtime.ts'

export interface EventLoopOptions {
  /** Seconds between two looks; shorter waits are told as this long. */
  readonly resolution: number
  /** Seconds. */
  readonly warnAbove: number
  readonly log: Logger
}

/**
 * Measures how long the event loop lets things wait, as JupyterHub's `event_loop_interval_seconds`: the time by which a
 * timer comes late. Returns what ends it.
 */
export function measureEventLoop(histogram: Histogram, { resolution, warnAbove, log }: EventLoopOptions): () => void {
  let last = performance.now()
  const timer = setInterval(() => {
    const now = performance.now()
    const tick = (now - last) / 1000
    last = now
    if (tick < 2 * resolution) return histogram.observe(resolution)
    const delay = tick - resolution
    if (delay >= warnAbove) log.warn({ seconds: Number(delay.toFixed(2)) }, 'the hub was too busy to answer')
    histogram.observe(delay)
  }, resolution * 1000)
  timer.unref()
  return () => clearInterval(timer)
}
