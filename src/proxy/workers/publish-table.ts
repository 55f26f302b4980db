/**
 * The side of a shared routing table that decides: sends the table and then every change to a process that follows, in
 * order and numbered, knows which of them it has applied, and takes over what it has seen of activity.
 */
import { type JournalRecord, toJournalRecord } from '../route-journal.ts'
import { type RouteTable, toRouteRecord } from '../route-table.ts'
import type { Link } from './link.ts'

export interface Publication {
  /** Resolves when the other side routes by the changes made so far, or is gone; undefined when it does already. */
  confirmed(): Promise<void> | undefined
  /** Brings the activity in the table up to date; waits at most `ACTIVITY_WITHIN_MS`. */
  gatherActivity(): Promise<void>
  /** Sends nothing more and waits for nobody. */
  end(): void
}

/** A process that is too busy to answer has told of its activity seconds ago. */
const ACTIVITY_WITHIN_MS = 250

export function publishTable(routes: RouteTable, link: Link): Publication {
  let version = 0
  let applied = 0
  let pending: JournalRecord[] = []
  let questions = 0
  let ended = link.gone.aborted
  const waiting: { version: number; resolve(): void }[] = []
  const asked = new Map<number, () => void>()

  function flush(): void {
    if (pending.length === 0 || ended) return
    version++
    link.send({ kind: 'changes', version, changes: pending })
    pending = []
  }

  function end(): void {
    ended = true
    off()
    offChange()
    link.gone.removeEventListener('abort', end)
    for (const { resolve } of waiting.splice(0)) resolve()
    for (const resolve of asked.values()) resolve()
    asked.clear()
  }

  const off = link.onMessage(message => {
    if (message.kind === 'applied') {
      applied = message.version
      while (waiting[0] && waiting[0].version <= applied) waiting.shift()!.resolve()
    } else if (message.kind === 'activity') {
      for (const [path, at] of message.seen) {
        const route = routes.get(path)
        if (route && route.lastActivityMs < at) routes.touch(route.path, at)
      }
      if (message.question !== undefined) asked.get(message.question)?.()
    }
  })
  const offChange = routes.onChange(change => {
    pending.push(toJournalRecord(change))
    if (pending.length === 1) setImmediate(flush)
  })
  link.gone.addEventListener('abort', end)
  link.send({ kind: 'table', version, routes: [...routes.all()].map(route => [route.path, toRouteRecord(route)]) })

  return {
    confirmed() {
      flush()
      if (ended || applied >= version) return undefined
      const { promise, resolve } = Promise.withResolvers<void>()
      waiting.push({ version, resolve })
      return promise
    },
    async gatherActivity() {
      if (ended) return
      const question = ++questions
      const { promise, resolve } = Promise.withResolvers<void>()
      const timer = setTimeout(resolve, ACTIVITY_WITHIN_MS)
      asked.set(question, resolve)
      link.send({ kind: 'tell-activity', question })
      await promise
      clearTimeout(timer)
      asked.delete(question)
    },
    end,
  }
}
