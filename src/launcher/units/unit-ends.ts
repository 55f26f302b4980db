import { readFileSync, rmSync, watch } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { findProcess } from '../processes/process-info.ts'
import type { ServerExit } from '../protocol.ts'

export interface UnitEnds {
  /** Where the unit writes how it has ended, see `python/launcher/orrery_forker/unit.py`. */
  fileOf(run: string): string
  /** Resolves at the end of a unit, also of one that ended while no launcher ran. Never rejects. */
  of(run: string, process: { readonly pid: number; readonly startTime: string }): Promise<ServerExit>
  close(): void
}

/** From the end of the process to the file: systemd ends what the process has left, and starts the program that writes. */
const WRITTEN_WITHIN_MS = 15_000
const LOOK_EVERY_MS = 10_000
const LOOK_AGAIN_MS = 200

/** `folder`: the launcher's own. */
export function unitEnds(folder: string): UnitEnds {
  const waiting = new Map<string, Set<() => void>>()
  const fileOf = (run: string) => join(folder, `${run}.end`)
  // One for all; the looks now and then are for a file system that tells nothing.
  const watcher = watch(folder, { persistent: false }, (_event, file) => {
    for (const wake of waiting.get(join(folder, file ?? '')) ?? []) wake()
  })
  watcher.on('error', () => {})

  function changed(path: string, withinMs: number): Promise<void> {
    const { promise, resolve } = Promise.withResolvers<void>()
    const others = waiting.get(path) ?? new Set()
    waiting.set(path, others.add(resolve))
    const timer = new AbortController()
    void sleep(withinMs, undefined, { ref: false, signal: timer.signal }).then(resolve, () => {})
    return promise.finally(() => {
      timer.abort()
      others.delete(resolve)
      if (others.size === 0) waiting.delete(path)
    })
  }

  async function of(run: string, process: { pid: number; startTime: string }): Promise<ServerExit> {
    const path = fileOf(run)
    for (let goneSince: number | undefined; ; ) {
      const gone = findProcess(process.pid)?.startTime !== process.startTime
      if (gone) goneSince ??= Date.now()
      const next = changed(path, gone ? LOOK_AGAIN_MS : LOOK_EVERY_MS)
      const end = take(path)
      if (end) return end
      // The machine was started anew, or systemd had no chance to write.
      if (!isOfThisBoot(process.startTime)) return {}
      if (goneSince !== undefined && Date.now() - goneSince > WRITTEN_WITHIN_MS) return {}
      await next
    }
  }

  return { fileOf, of, close: () => watcher.close() }
}

function take(path: string): ServerExit | undefined {
  try {
    const end = JSON.parse(readFileSync(path, 'utf8')) as ServerExit // written by unit.py alone
    rmSync(path)
    return end
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined
    throw error
  }
}

function isOfThisBoot(startTime: string): boolean {
  return startTime.split('/')[0] === findProcess(process.pid)?.startTime.split('/')[0]
}
