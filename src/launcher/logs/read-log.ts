/** Reads a server's log in parts of whole lines, also while it grows, is turned over, or another run begins. */
import { constants } from 'node:fs'
import { type FileHandle, open, readFile } from 'node:fs/promises'
import { readableLog } from '../../core/mask-secrets.ts'
import type { LogPart, LogPlace } from '../../plugin/spawner.ts'

/** Bytes read at a time, so that no log is ever in memory as a whole. */
const PART_BYTES = 128 * 1024
/** What is longer is cut: no person reads it, and a part must hold a line. */
const MAX_LINE_LENGTH = 8 * 1024
const NEWLINE = 0x0a

/** A log and, where it has been turned over, what tells how much of its run came before. */
export interface LogFile {
  readonly path: string
  readonly turned: string
}

/** `files`: the present one, then older ones. Those that are links are not read. */
export async function readLog(files: readonly LogFile[], place: LogPlace): Promise<LogPart> {
  const logs = await openAll(files)
  try {
    const present = logs[0]
    if (!present) return { text: '', next: place.after ?? '', isEnd: true }
    const { lines, whole = false } = place
    if (lines !== undefined) return await lastLines(present, { lines, whole })
    const found = find(logs, place.after)
    const { log } = found
    const until = offsetIn(log, place.until)
    // Nobody writes on in an old file.
    const isOld = log.file !== present.file
    const part = await wholeLines(log, { from: found.offset, until, whole: whole || isOld })
    const next = isOld && part.isEnd ? beginning(log, present) : cursor(log, found.offset + part.used)
    return { text: part.text, next, isEnd: part.isEnd && !isOld, ...(found.isLost && { isLost: true }) }
  } finally {
    await Promise.all(logs.map(log => log?.file.close()))
  }
}

/** What `LogFile.turned` says. */
export async function bytesTurned(path: string): Promise<number> {
  return Number(await readFile(path, 'utf8').catch(() => '0')) || 0
}

interface OpenLog {
  readonly file: FileHandle
  /** Tells this run's file from those that bore its name before. */
  readonly id: string
  readonly size: number
  /** Bytes of the same run before its first. */
  readonly before: number
}

async function openAll(files: readonly LogFile[]): Promise<(OpenLog | undefined)[]> {
  return Promise.all(
    files.map(async ({ path, turned }) => {
      const file = await open(path, constants.O_RDONLY | constants.O_NOFOLLOW).catch(() => undefined)
      if (!file) return undefined
      const before = await bytesTurned(turned)
      const { ino, birthtimeMs, size } = await file.stat()
      return { file, id: `${ino.toString(16)}-${Math.floor(birthtimeMs)}`, size, before }
    }),
  )
}

/** Where to go on reading: in the file of that run, or in the copy that was made of it when it was turned over. */
function find(logs: readonly (OpenLog | undefined)[], after = ''): { log: OpenLog; offset: number; isLost?: boolean } {
  const [present, copy] = logs
  const start = { log: present!, offset: 0 } // the caller has looked
  if (after === '') return start
  const { id, place } = parseCursor(after)
  const own = logs.find(each => each?.id === id)
  const turned = own && own === present && own.before > 0 && copy && { ...copy, id, before: own.before - copy.size }
  for (const log of [own, turned]) {
    const offset = log ? place - log.before : -1
    if (log && offset >= 0 && offset <= log.size) return { log, offset }
  }
  return { ...start, isLost: true }
}

function offsetIn(log: OpenLog, until: string | undefined): number | undefined {
  if (until === undefined) return undefined
  const { id, place } = parseCursor(until)
  return id === log.id ? Math.max(place - log.before, 0) : undefined
}

/** Lines from an offset on. `whole`: also a last one that has no end yet. */
async function wholeLines(
  { file, size }: OpenLog,
  { from, until = size, whole }: { from: number; until?: number | undefined; whole: boolean },
): Promise<{ text: string; used: number; isEnd: boolean }> {
  const end = Math.min(size, until)
  const before = from > 0 ? 1 : 0
  const length = Math.min(PART_BYTES, end - from)
  if (length <= 0) return { text: '', used: 0, isEnd: true }
  const bytes = await readAt(file, from - before, length + before)
  // The rest of a line that was cut is left out.
  const isWithin = before === 1 && bytes[0] !== NEWLINE
  const read = bytes.subarray(before)
  const first = isWithin ? read.indexOf(NEWLINE) + 1 : 0
  const isEnd = from + read.length >= end
  if (isWithin && first === 0) return { text: '', used: read.length, isEnd }
  const last = read.lastIndexOf(NEWLINE) + 1
  const isCut = last <= first && read.length === PART_BYTES
  const used = isCut || (whole && isEnd) ? read.length : Math.max(last, first)
  return { text: linesOf(read.subarray(first, used)), used, isEnd }
}

async function lastLines(log: OpenLog, { lines, whole }: { lines: number; whole: boolean }): Promise<LogPart> {
  const { file, size } = log
  const length = Math.min(size, PART_BYTES)
  const bytes = await readAt(file, size - length, length)
  const begin = length < size ? bytes.indexOf(NEWLINE) + 1 : 0
  const end = whole ? bytes.length : bytes.lastIndexOf(NEWLINE) + 1
  const text = linesOf(bytes.subarray(begin, Math.max(begin, end))).replace(/\n$/, '')
  const kept = lines === 0 || text === '' ? '' : `${text.split('\n').slice(-lines).join('\n')}\n`
  return { text: kept, next: cursor(log, size - length + end), isEnd: true }
}

async function readAt(file: FileHandle, position: number, length: number): Promise<Buffer> {
  const { buffer, bytesRead } = await file.read(Buffer.alloc(length), 0, length, position)
  return buffer.subarray(0, bytesRead)
}

function linesOf(bytes: Buffer): string {
  if (bytes.length === 0) return ''
  const lines = readableLog(bytes.toString('utf8')).replace(/\n$/, '').split('\n')
  return `${lines.map(line => (line.length > MAX_LINE_LENGTH ? `${line.slice(0, MAX_LINE_LENGTH)} […]` : line)).join('\n')}\n`
}

function cursor({ id, before }: OpenLog, offset: number): string {
  return `${id}:${before + offset}`
}

/** Of the present file, for whoever has read an older one to its end. */
function beginning(read: OpenLog, present: OpenLog): string {
  return cursor(present, read.id === present.id ? Math.max(read.before + read.size - present.before, 0) : 0)
}

/** Its form is the protocol's to check. */
function parseCursor(text: string): { id: string; place: number } {
  const at = text.lastIndexOf(':')
  return { id: text.slice(0, at), place: Number(text.slice(at + 1)) }
}
