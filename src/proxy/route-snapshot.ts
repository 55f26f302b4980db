/**
 * The routing table on disk, so that a proxy that died is useful again before the hub has noticed. A file is
 * replaced as a whole (temporary file, fsync, rename), so `kill -9` leaves the old one or the new one.
 */
import { randomBytes } from 'node:crypto'
import { open, readFile, rename, rm } from 'node:fs/promises'
import { dirname } from 'node:path'
import { HubError } from '../core/errors.ts'
import type { Logger } from '../core/runtime.ts'
import { type RouteRecord, type RouteTable, toRouteRecord } from './route-table.ts'
import { parseUpstreamTarget } from './upstream-target.ts'

export interface RouteSnapshot {
  /** Writes what is not yet written and stops. */
  close(): Promise<void>
}

const VERSION = 1
/** A burst of changes is one write; a change is on disk this long after it was made. */
const SETTLE_MS = 100
/** Activity changes all the time and is worth less than a route: it is written this often, if it changed. */
const ACTIVITY_MS = 30_000

/**
 * Fills `routes` from `file` and returns how many there were. A missing file is an empty table; one that cannot be
 * understood is set aside as `<file>.corrupt-<time>` with a warning. Throws `snapshot_unreadable` when the system refuses.
 */
export async function loadSnapshot(file: string, routes: RouteTable, log: Logger): Promise<number> {
  let text: string
  try {
    text = await readFile(file, 'utf8')
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return 0 // readFile throws nothing else
    throw new HubError('snapshot_unreadable', {
      status: 500,
      message: `The route snapshot ${file} cannot be read.`,
      nextStep: 'Check its owner and permissions, or name another file with --snapshot.',
      cause: error,
    })
  }
  try {
    const records = parseSnapshot(text)
    for (const [path, record] of records) {
      const { last_activity: lastActivity, ...data } = record
      routes.set(path, data, Date.parse(lastActivity))
    }
    return records.length
  } catch (error) {
    const aside = `${file}.corrupt-${new Date().toISOString().replace(/[:.]/g, '-')}`
    await rename(file, aside)
    log.warn({ err: error, file, aside }, 'route snapshot is corrupt, set aside; waiting for the hub to send routes')
    return 0
  }
}

/** Keeps `file` equal to `routes` from now on. A failed write is logged and tried again with the next change. */
export function keepSnapshot(file: string, routes: RouteTable, log: Logger): RouteSnapshot {
  let timer: NodeJS.Timeout | undefined
  let writing: Promise<void> = Promise.resolve()
  let written = ''

  const write = () => {
    timer = undefined
    writing = writing.then(async () => {
      const text = renderSnapshot(routes)
      if (text === written) return
      try {
        await replaceFile(file, text)
        written = text
      } catch (error) {
        log.error({ err: error, file }, 'route snapshot could not be written')
      }
    })
    return writing
  }
  routes.onChange(() => {
    timer ??= setTimeout(write, SETTLE_MS)
  })
  const activityTimer = setInterval(write, ACTIVITY_MS).unref()
  timer = setTimeout(write, 0)

  return {
    async close() {
      clearTimeout(timer)
      clearInterval(activityTimer)
      await write()
    },
  }
}

function renderSnapshot(routes: RouteTable): string {
  const shown: [string, RouteRecord][] = []
  for (const route of routes.all()) shown.push([route.path, toRouteRecord(route)])
  return `${JSON.stringify({ version: VERSION, routes: shown })}\n`
}

/** Throws when any part is not as `renderSnapshot` writes it: half a table would be worse than none. */
function parseSnapshot(text: string): [string, RouteRecord][] {
  const parsed = JSON.parse(text) as { version?: unknown; routes?: unknown } | null // checked member by member below
  if (parsed?.version !== VERSION || !Array.isArray(parsed.routes)) throw new Error('not a route snapshot of version 1')
  for (const entry of parsed.routes) {
    const [path, record] = Array.isArray(entry) ? entry : []
    const valid =
      typeof path === 'string' &&
      typeof record?.target === 'string' &&
      parseUpstreamTarget(record.target) !== undefined &&
      Number.isFinite(Date.parse(record.last_activity))
    if (!valid) throw new Error(`malformed route ${JSON.stringify(path)}`)
  }
  return parsed.routes
}

async function replaceFile(file: string, text: string): Promise<void> {
  const temporary = `${file}.${process.pid}-${randomBytes(4).toString('hex')}.tmp`
  try {
    const handle = await open(temporary, 'wx', 0o600)
    try {
      await handle.writeFile(text)
      await handle.sync()
    } finally {
      await handle.close()
    }
    await rename(temporary, file)
  } catch (error) {
    await rm(temporary, { force: true })
    throw error
  }
  const folder = await open(dirname(file))
  await folder.sync().catch(() => {}) // some file systems cannot; the rename is atomic all the same
  await folder.close()
}
