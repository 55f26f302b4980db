/**
 * Looks at everything that can run out of time, every now and then. One timer for all, and nothing to start or stop for
 * a request: a time-out is met a little late, never early.
 */
export interface Swept {
  /** @param nowMs as `performance.now()` */
  sweep(nowMs: number): void
}

export interface Sweeper {
  add(swept: Swept): void
  delete(swept: Swept): void
  close(): void
}

const LONGEST_MS = 1000
const SHORTEST_MS = 10

/** @param timeoutsMs those that are kept; the shortest says how often is looked. 0 is none. */
export function createSweeper(timeoutsMs: readonly number[]): Sweeper {
  const all = new Set<Swept>()
  const shortest = Math.min(...timeoutsMs.filter(ms => ms > 0), Number.POSITIVE_INFINITY)
  const intervalMs = Math.max(SHORTEST_MS, Math.min(LONGEST_MS, shortest / 8))
  let timer: NodeJS.Timeout | undefined
  const look = () => {
    const now = performance.now()
    for (const swept of all) swept.sweep(now)
    if (all.size > 0) return
    clearInterval(timer)
    timer = undefined
  }
  return {
    add(swept) {
      all.add(swept)
      timer ??= setInterval(look, intervalMs).unref()
    },
    delete: swept => void all.delete(swept),
    close() {
      clearInterval(timer)
      timer = undefined
      all.clear()
    },
  }
}
