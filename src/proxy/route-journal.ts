/**
 * The changes of the routing table since its last snapshot, one JSON record a line, appended before a change is
 * acknowledged. What the kernel has taken outlives the process, so nothing waits for the disk: after a crash of the whole
 * machine the hub has to be started anyway, and it sends its routes.
 */
import { closeSync, openSync, writeSync } from 'node:fs'
import { readdir, readFile } from 'node:fs/promises'
import { basename, dirname } from 'node:path'
import { type RouteChange, type RouteRecord, toRouteRecord } from './route-table.ts'
import { parseUpstreamTarget } from './upstream-target.ts'

export interface RouteJournal {
  readonly bytes: number
  append(change: RouteChange): void
  /** Hands everything appended so far to the kernel. Throws the system's error; the journal is of no use then. */
  flush(): void
  close(): void
}

export type JournalRecord = { readonly set: string; readonly route: RouteRecord } | { readonly delete: string }

/** Several changes at once are one write, of at most about so many bytes. */
const BATCH_BYTES = 64 * 1024

/** Journals are numbered: a snapshot says which is the first that it does not contain. */
export function journalFile(snapshotFile: string, number: number): string {
  return `${snapshotFile}.journal-${number}`
}

/** Numbers of the journals that lie beside a snapshot, in their order. */
export async function journalNumbers(snapshotFile: string): Promise<number[]> {
  const prefix = `${basename(snapshotFile)}.journal-`
  const names = await readdir(dirname(snapshotFile)).catch(() => []) // without the folder there is no journal
  return names
    .filter(name => name.startsWith(prefix) && /^\d+$/.test(name.slice(prefix.length)))
    .map(name => Number(name.slice(prefix.length)))
    .sort((a, b) => a - b)
}

/** Throws the system's error when the file cannot be made. */
export function openJournal(file: string): RouteJournal {
  const fd = openSync(file, 'w', 0o600)
  let pending: string[] = []
  let pendingBytes = 0
  let bytes = 0

  function flush(): void {
    if (pending.length === 0) return
    const data = Buffer.from(pending.join(''))
    pending = []
    pendingBytes = 0
    for (let from = 0; from < data.length; ) from += writeSync(fd, data, from)
    bytes += data.length
  }
  return {
    get bytes() {
      return bytes + pendingBytes
    },
    append(change) {
      const line = `${JSON.stringify(toJournalRecord(change))}\n`
      pending.push(line)
      pendingBytes += line.length
      if (pendingBytes > BATCH_BYTES) flush()
    },
    flush,
    close: () => closeSync(fd),
  }
}

export function toJournalRecord(change: RouteChange): JournalRecord {
  return change.kind === 'set'
    ? { set: change.route.path, route: toRouteRecord(change.route) }
    : { delete: change.path }
}

/** What `RouteTable.set` takes. */
export function toRecordedRoute(record: RouteRecord): { data: RouteRecord; lastActivityMs: number } {
  const { last_activity: lastActivity, ...data } = record
  return { data: data as RouteRecord, lastActivityMs: Date.parse(lastActivity) } // `target` is still in it
}

/**
 * The records of a journal up to the first that is not whole: the process, or the machine, ended while it was written,
 * so nobody was told that it is kept. `damaged` says that more than the last line is lost.
 */
export async function readJournal(file: string): Promise<{ records: JournalRecord[]; damaged: boolean }> {
  const lines = (await readFile(file, 'utf8')).split('\n')
  const records: JournalRecord[] = []
  for (const [index, line] of lines.slice(0, -1).entries()) {
    const record = parseRecord(line)
    if (!record) return { records, damaged: index < lines.length - 2 }
    records.push(record)
  }
  return { records, damaged: false }
}

function parseRecord(line: string): JournalRecord | undefined {
  try {
    const record = JSON.parse(line) as Record<string, unknown> | null // checked member by member
    if (typeof record?.delete === 'string') return { delete: record.delete }
    const { set, route } = (record ?? {}) as { set?: unknown; route?: Partial<RouteRecord> }
    const isWhole =
      typeof set === 'string' &&
      parseUpstreamTarget(String(route?.target)) !== undefined &&
      Number.isFinite(Date.parse(String(route?.last_activity)))
    return isWhole ? { set, route: route as RouteRecord } : undefined
  } catch {
    return undefined
  }
}
