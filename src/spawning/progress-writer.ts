/**
 * Writes a start's story in the order it is told. Lines are no steps of the start: they are gathered for a moment, and go
 * along with its next write where that comes first. `kill -9` loses those of that moment.
 */
import { background } from '../core/runtime.ts'
import type { DbTransaction } from '../db/database.ts'
import type { SpawningContext } from './context.ts'
import { addLine, addProgress, type ProgressLine } from './progress-store.ts'
import type { RunKey } from './run-store.ts'
import type { HeldServer } from './spawn-lease.ts'

export interface ProgressWriter {
  /** Whose writes take along the lines that wait. */
  readonly held: HeldServer
  add(line: ProgressLine): void
  /** Writes what waits, and no more from now on: what a spawner tells too late is dropped. Rejects when the lease is lost. */
  end(): Promise<void>
}

/** 100 is reserved for "ready". */
const HIGHEST_PERCENT = 99
/** Short enough for a person who watches. */
const LONGEST_WAIT_MS = 100

export function progressWriter(
  { clock, signals, log }: SpawningContext,
  held: HeldServer,
  run: RunKey,
): ProgressWriter {
  let waiting: { line: ProgressLine; at: Date }[] = []
  let timer: NodeJS.Timeout | undefined
  let percent = 0
  let isOver = false

  /** Takes along the lines that wait, or puts them back when the write comes to nothing. */
  async function withLines<T>(write: (first: (tx: DbTransaction) => Promise<void>) => Promise<T>): Promise<T> {
    const lines = waiting
    waiting = []
    clearTimeout(timer)
    timer = undefined
    try {
      return await write(tx => insert(tx, lines))
    } catch (error) {
      waiting.unshift(...lines)
      throw error
    } finally {
      if (lines.length > 0) signals.notify(run.spawnerId, 'line')
    }
  }

  async function insert(tx: DbTransaction, lines: typeof waiting): Promise<void> {
    const last = lines.at(-1)
    for (const { line, at } of lines.slice(0, -1)) await addLine(tx, run, at, line)
    if (last) await addProgress(tx, run, last.at, last.line)
  }

  async function flush(): Promise<void> {
    if (waiting.length > 0) await withLines(first => held.write(first))
  }

  const both = <T>(write: (tx: DbTransaction) => Promise<T>, first: (tx: DbTransaction) => Promise<void>) => {
    return async (tx: DbTransaction) => {
      await first(tx)
      return write(tx)
    }
  }

  return {
    held: {
      ...held,
      write: write => withLines(first => held.write(both(write, first))),
      finish: write => withLines(first => held.finish(both(write, first))),
    },
    add(line) {
      if (isOver) return
      percent = Math.max(percent, Math.min(Math.round(line.percent), HIGHEST_PERCENT))
      waiting.push({ line: { ...line, percent }, at: clock.now() })
      timer ??= setTimeout(() => background(flush(), 'tell of a start', log), LONGEST_WAIT_MS).unref()
    },
    async end() {
      isOver = true
      clearTimeout(timer)
      await flush()
    },
  }
}
