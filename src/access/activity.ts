import type { Clock, Logger } from '../core/runtime.ts'
import { background } from '../core/runtime.ts'
import type { Database } from '../db/database.ts'
import { fromDbTime, toDbTime } from '../db/db-time.ts'
import { storeIfNewer } from '../db/store-activity.ts'

const FLUSH_AFTER_MS = 50
const REMEMBERED = 10_000

/** Writes `last_activity` of users and tokens down, seldom and in the background. */
export interface ActivityRecorder {
  /** `known` is what the database said when the row was read. */
  seen(kind: 'users' | 'api_tokens', id: number, known: string | null): void
  /** Waits until everything seen so far is written. */
  flush(): Promise<void>
}

export function createActivityRecorder(options: {
  database: Database
  /** Activity less than this much later than the last one is not written. */
  resolutionMs: number
  clock: Clock
  log: Logger
}): ActivityRecorder {
  const { database, resolutionMs, clock, log } = options
  const lastSeen = new Map<string, number>()
  let waiting: { kind: 'users' | 'api_tokens'; id: number; at: string }[] = []
  let timer: NodeJS.Timeout | undefined
  let writing: Promise<void> = Promise.resolve()

  return {
    seen(kind, id, known) {
      const key = `${kind}:${id}`
      const now = clock.now()
      const isRecent = (last: number) => last !== 0 && now.getTime() - last <= resolutionMs
      if (isRecent(lastSeen.get(key) ?? 0) || (known !== null && isRecent(fromDbTime(known).getTime()))) return
      lastSeen.delete(key)
      lastSeen.set(key, now.getTime())
      if (lastSeen.size > REMEMBERED) lastSeen.delete(lastSeen.keys().next().value!)
      waiting.push({ kind, id, at: toDbTime(now) })
      timer ??= setTimeout(() => background(write(), 'record activity', log), FLUSH_AFTER_MS).unref()
    },
    flush: () => write(),
  }

  function write(): Promise<void> {
    clearTimeout(timer)
    timer = undefined
    const batch = waiting
    waiting = []
    writing = writing.catch(() => {}).then(() => writeBatch(batch)) // an earlier failure was logged where it happened
    return writing
  }

  async function writeBatch(batch: typeof waiting): Promise<void> {
    if (batch.length === 0) return
    // In one order, so that two hubs never wait for each other's rows.
    const inOrder = batch.toSorted((one, other) => one.kind.localeCompare(other.kind) || one.id - other.id)
    await database.db.transaction().execute(async tx => {
      for (const { kind, id, at } of inOrder) await storeIfNewer[kind](tx, id, at)
    })
  }
}
