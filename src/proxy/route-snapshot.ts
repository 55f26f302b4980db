/**
 * The routing table on disk, so that a proxy that died is useful again before the hub has noticed: a snapshot, and a
 * journal of the changes since. A new snapshot goes with a new journal, which is begun first:
 *
 * 1. Changes go to journal n + 1 from now on.
 * 2. The table is written to a temporary file, in slices between which requests are served. A change meanwhile may be
 *    in it or not; it is in the journal, and applying it twice does no harm.
 * 3. fsync and rename: the snapshot says that journal n + 1 comes after it. Only now journal n is removed.
 *
 * So `kill -9` at any moment leaves a snapshot and all the journals that come after it.
 */
import { readdir, readFile, rename, rm } from 'node:fs/promises'
import { basename, dirname, join } from 'node:path'
import { setImmediate as nextTurn } from 'node:timers/promises'
import { HubError } from '../core/errors.ts'
import type { Logger } from '../core/runtime.ts'
import { replaceFile } from '../db/replace-file.ts'
import {
  journalFile,
  journalNumbers,
  openJournal,
  type RouteJournal,
  readJournal,
  toRecordedRoute,
} from './route-journal.ts'
import { type Route, type RouteRecord, type RouteTable, toRouteRecord } from './route-table.ts'
import { parseUpstreamTarget } from './upstream-target.ts'

export interface RouteSnapshot {
  /** Resolves when the changes made so far outlive `kill -9`, or when that has failed and was logged. */
  committed(): Promise<void> | undefined
  /** Writes what is not yet written and stops. */
  close(): Promise<void>
}

const VERSION = 1
/** Activity changes all the time and is worth less than a route: it is written this often, if it changed. */
const ACTIVITY_MS = 30_000
/** A journal beyond this and thrice the snapshot is replaced: half a second of reading at the next start. */
const LONGEST_JOURNAL_BYTES = 1024 * 1024
/** Routes rendered in one go, a fraction of a millisecond. */
const SLICE = 200

/**
 * Fills `routes` from `file` and its journals and returns how many there were. Missing files are an empty table; a
 * snapshot that cannot be understood is set aside as `<file>.corrupt-<time>` with a warning. Throws `snapshot_unreadable`
 * when the system refuses.
 */
export async function loadSnapshot(file: string, routes: RouteTable, log: Logger): Promise<number> {
  try {
    const first = await loadWhole(file, routes, log)
    for (const number of await journalNumbers(file)) {
      if (number >= first) await replay(journalFile(file, number), routes, log)
    }
    return routes.size
  } catch (error) {
    throw new HubError('snapshot_unreadable', {
      status: 500,
      message: `The route snapshot ${file} cannot be read.`,
      nextStep: 'Check its owner and permissions, or name another file with --snapshot.',
      cause: error,
    })
  }
}

/** The number of the first journal that comes after it. */
async function loadWhole(file: string, routes: RouteTable, log: Logger): Promise<number> {
  const text = await readFile(file, 'utf8').catch(error => {
    if (error.code === 'ENOENT') return undefined
    throw error
  })
  if (text === undefined) return 0
  try {
    const { records, journal } = parseSnapshot(text)
    for (const [path, record] of records) setRecord(routes, path, record)
    return journal
  } catch (error) {
    const aside = `${file}.corrupt-${new Date().toISOString().replace(/[:.]/g, '-')}`
    await rename(file, aside)
    log.warn({ err: error, file, aside }, 'route snapshot is corrupt, set aside; waiting for the hub to send routes')
    // Without their beginning they are half a table, which would be worse than none.
    for (const number of await journalNumbers(file)) await rm(journalFile(file, number), { force: true })
    return 0
  }
}

async function replay(file: string, routes: RouteTable, log: Logger): Promise<void> {
  const { records, damaged } = await readJournal(file)
  for (const record of records) {
    if ('delete' in record) routes.delete(record.delete)
    else setRecord(routes, record.set, record.route)
  }
  if (damaged) log.warn({ file, routes: records.length }, 'route journal is damaged, its end is left out')
}

function setRecord(routes: RouteTable, path: string, record: RouteRecord): void {
  const { data, lastActivityMs } = toRecordedRoute(record)
  routes.set(path, data, lastActivityMs)
}

/**
 * Keeps `file` equal to `routes` from now on. When the disk refuses, that is logged, changes are acknowledged all the
 * same, and a whole snapshot is tried with the next change: people's servers are worth more than a full disk.
 */
export function keepSnapshot(file: string, routes: RouteTable, log: Logger): RouteSnapshot {
  let journal: RouteJournal | undefined
  let number = 0
  let snapshotBytes = 0
  let flushed: Promise<void> | undefined
  let compacting: Promise<void> | undefined
  let activityWritten = 0
  let closed = false

  async function flush(): Promise<void> {
    flushed = undefined
    if (closed) return
    try {
      journal?.flush()
    } catch (error) {
      fault(error)
    }
    if (!journal) await compact()
    else if (journal.bytes > Math.max(LONGEST_JOURNAL_BYTES, 3 * snapshotBytes)) void compact()
  }

  /** What follows a line of which a part was written could not be read. */
  function fault(error: unknown): void {
    log.warn({ err: error, file }, 'route snapshot could not be written')
    journal?.close()
    journal = undefined
  }

  function compact(): Promise<void> {
    compacting ??= writeWhole()
      .catch(error => fault(error))
      .finally(() => {
        compacting = undefined
      })
    return compacting
  }

  async function writeWhole(): Promise<void> {
    const before = await journalNumbers(file)
    const next = Math.max(number, ...before) + 1
    // Between these lines nothing is changed: what the old journal lacks is in the table, and in the new one.
    const old = journal
    old?.flush()
    journal = openJournal(journalFile(file, next))
    number = next
    old?.close()
    activityWritten = latestActivity(routes)
    snapshotBytes = await replaceFile(file, renderSnapshot(routes, next))
    for (const done of before) await rm(journalFile(file, done), { force: true })
  }

  const offChange = routes.onChange(change => {
    journal?.append(change)
    flushed ??= nextTurn().then(flush)
  })
  const activityTimer = setInterval(() => {
    if (latestActivity(routes) !== activityWritten) void compact()
  }, ACTIVITY_MS).unref()
  const first = removeUnfinished(file).then(compact)

  return {
    committed: () => flushed,
    async close() {
      clearInterval(activityTimer)
      await first
      await compacting
      await compact()
      offChange()
      closed = true
      journal?.close()
      journal = undefined
    },
  }
}

function latestActivity(routes: RouteTable): number {
  let latest = 0
  for (const { lastActivityMs } of routes.all()) if (lastActivityMs > latest) latest = lastActivityMs
  return latest
}

/** In pieces; the table may change between them. */
function* renderSnapshot(routes: RouteTable, journal: number): Generator<string> {
  let slice: [string, RouteRecord][] = []
  let separator = ''
  const rendered = () => {
    const text = separator + JSON.stringify(slice).slice(1, -1)
    separator = ',\n'
    slice = []
    return text
  }
  yield `{"version":${VERSION},"journal":${journal},"routes":[\n`
  for (const route of routes.all() as Iterable<Route>) {
    slice.push([route.path, toRouteRecord(route)])
    if (slice.length === SLICE) yield rendered()
  }
  if (slice.length > 0) yield rendered()
  yield ']}\n'
}

/** Throws when any part is not as `renderSnapshot` writes it: half a table would be worse than none. */
function parseSnapshot(text: string): { records: [string, RouteRecord][]; journal: number } {
  const parsed = JSON.parse(text) as { version?: unknown; journal?: unknown; routes?: unknown } | null // checked below
  const { version, journal = 0, routes } = parsed ?? {}
  if (version !== VERSION || !Array.isArray(routes) || !Number.isSafeInteger(journal))
    throw new Error('not a route snapshot of version 1')
  for (const entry of routes) {
    const [path, record] = Array.isArray(entry) ? entry : []
    const valid =
      typeof path === 'string' &&
      typeof record?.target === 'string' &&
      parseUpstreamTarget(record.target) !== undefined &&
      Number.isFinite(Date.parse(record.last_activity))
    if (!valid) throw new Error(`malformed route ${JSON.stringify(path)}`)
  }
  return { records: routes, journal: journal as number } // an integer, see above
}

/** What a process that was killed in the middle of a snapshot has left. */
async function removeUnfinished(file: string): Promise<void> {
  const names = await readdir(dirname(file)).catch(() => []) // told when the snapshot is written
  for (const name of names) {
    if (name.startsWith(`${basename(file)}.`) && name.endsWith('.tmp'))
      await rm(join(dirname(file), name), { force: true })
  }
}
