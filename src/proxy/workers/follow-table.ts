/** The side of a shared routing table that follows: what the other process says becomes so here, and is confirmed. */
import { type JournalRecord, toRecordedRoute } from '../route-journal.ts'
import type { RouteTable } from '../route-table.ts'
import type { Link } from './link.ts'

export interface Following {
  /** Resolves when the whole table has arrived; rejects when the other side is gone before. */
  readonly complete: Promise<void>
  /** Tells of the activity since it was told last. */
  tellActivity(): void
  /** What the other side says is of no interest any more. */
  end(): void
}

/** What is lost of activity when this process is killed. */
const TELL_ACTIVITY_MS = 5_000

export function followTable(routes: RouteTable, link: Link): Following {
  const { promise: complete, resolve, reject } = Promise.withResolvers<void>()
  let toldUntil = Date.now()

  function tellActivity(question?: number): void {
    const seen: [string, number][] = []
    let latest = toldUntil
    for (const { path, lastActivityMs } of routes.all()) {
      if (lastActivityMs < toldUntil) continue
      seen.push([path, lastActivityMs])
      if (lastActivityMs > latest) latest = lastActivityMs
    }
    toldUntil = latest
    if (question !== undefined) link.send({ kind: 'activity', question, seen })
    else if (seen.length > 0) link.send({ kind: 'activity', seen })
  }

  const off = link.onMessage(message => {
    if (message.kind === 'table') {
      const present = new Set(message.routes.map(([path]) => path))
      for (const { path } of [...routes.all()]) if (!present.has(path)) routes.delete(path)
      for (const [path, route] of message.routes) apply(routes, { set: path, route })
      link.send({ kind: 'applied', version: message.version })
      resolve()
    } else if (message.kind === 'changes') {
      for (const change of message.changes) apply(routes, change)
      link.send({ kind: 'applied', version: message.version })
    } else if (message.kind === 'tell-activity') tellActivity(message.question)
  })
  const timer = setInterval(tellActivity, TELL_ACTIVITY_MS).unref()
  const gone = () => reject(new Error('the process that has the routing table is gone'))
  link.gone.addEventListener('abort', gone, { once: true })
  complete.catch(() => {}) // who waits for it hears of it

  return {
    complete,
    tellActivity: () => tellActivity(),
    end() {
      off()
      clearInterval(timer)
      link.gone.removeEventListener('abort', gone)
    },
  }
}

/** What this process has seen of a route since is newer than what it is sent. */
function apply(routes: RouteTable, record: JournalRecord): void {
  if ('delete' in record) return void routes.delete(record.delete)
  const { data, lastActivityMs } = toRecordedRoute(record.route)
  const seenMs = routes.get(record.set)?.lastActivityMs ?? 0
  routes.set(record.set, data, Math.max(lastActivityMs, seenMs))
}
