/**
 * The field lines of a head, found in one pass over its bytes. Nothing is copied: a `FieldScan` holds where each line,
 * name and value lies, and what is passed on is cut out in as few pieces as possible.
 */
import { COLON, CR, FIELD_VALUE, LF, SPACE, TAB, TOKEN } from './byte-classes.ts'

/** What `scanFields` returns instead of a position. */
export const INCOMPLETE = -1
export const FOLDED = -2
export const BAD_LINE_END = -3
export const BAD_NAME = -4
export const BAD_VALUE = -5

export const SCAN_FAULTS: Readonly<Record<number, string>> = {
  [FOLDED]: 'a field value that goes on in the next line (RFC 9112 5.2)',
  [BAD_LINE_END]: 'a line that does not end in CR LF (RFC 9112 2.2)',
  [BAD_NAME]: 'a field name with a character that names cannot have (RFC 9112 5.1)',
  [BAD_VALUE]: 'a control character in a field value (RFC 9110 5.5)',
}

/** Fields that the proxy itself looks at, by number. */
export const KNOWN_FIELDS = [
  'other',
  'connection',
  'keep-alive',
  'proxy-connection',
  'te',
  'transfer-encoding',
  'upgrade',
  'http2-settings',
  'host',
  'content-length',
  'trailer',
  'expect',
  'x-forwarded-for',
  'x-forwarded-port',
  'x-forwarded-proto',
  'x-forwarded-host',
  'date',
  'content-encoding',
  'content-type',
  'content-range',
  'authorization',
  'cookie',
  'set-cookie',
] as const
export type KnownField = (typeof KNOWN_FIELDS)[number]

export const KNOWN = Object.fromEntries(KNOWN_FIELDS.map((name, id) => [name, id])) as Record<KnownField, number>

/** Valid until the next scan into it. */
export interface FieldScan {
  count: number
  /** Four offsets a field: line, end of the name, value, end of the value. The line after the last one is at the end. */
  at: Int32Array
  known: Uint8Array
}

export function newFieldScan(): FieldScan {
  return { count: 0, at: new Int32Array(4 * 64 + 1), known: new Uint8Array(64) }
}

/**
 * Reads field lines from `from` up to the empty line.
 * @returns the position behind the empty line, or one of the negative numbers above
 */
export function scanFields(bytes: Uint8Array, from: number, end: number, scan: FieldScan): number {
  let i = from
  let count = 0
  let { at, known } = scan
  for (;;) {
    const line = i
    while (i < end && TOKEN[bytes[i]!] === 1) i++
    if (i >= end) return INCOMPLETE
    if (bytes[i] !== COLON || i === line) {
      if (bytes[i] !== CR || i !== line) return faultOfName(bytes[i]!, i === line && count > 0)
      if (i + 1 >= end) return INCOMPLETE
      if (bytes[i + 1] !== LF) return BAD_LINE_END
      scan.count = count
      at[4 * count] = line
      return i + 2
    }
    const nameEnd = i++
    while (i < end && (bytes[i] === SPACE || bytes[i] === TAB)) i++
    const value = i
    while (i < end && FIELD_VALUE[bytes[i]!] === 1) i++
    if (i + 1 >= end) return i < end && bytes[i] !== CR ? faultOfValue(bytes[i]!) : INCOMPLETE
    if (bytes[i] !== CR) return faultOfValue(bytes[i]!)
    if (bytes[i + 1] !== LF) return BAD_LINE_END
    let valueEnd = i
    while (valueEnd > value && (bytes[valueEnd - 1] === SPACE || bytes[valueEnd - 1] === TAB)) valueEnd--
    if (count === known.length) {
      grow(scan)
      at = scan.at
      known = scan.known
    }
    const slot = 4 * count
    at[slot] = line
    at[slot + 1] = nameEnd
    at[slot + 2] = value
    at[slot + 3] = valueEnd
    known[count] = knownField(bytes, line, nameEnd - line)
    count++
    i += 2
  }
}

function grow(scan: FieldScan): void {
  const { at, known } = scan
  scan.at = new Int32Array(8 * known.length + 1)
  scan.at.set(at)
  scan.known = new Uint8Array(2 * known.length)
  scan.known.set(known)
}

function faultOfName(byte: number, isLineStart: boolean): number {
  if (byte === LF) return BAD_LINE_END
  if (isLineStart && (byte === SPACE || byte === TAB)) return FOLDED
  return BAD_NAME
}

function faultOfValue(byte: number): number {
  return byte === LF ? BAD_LINE_END : BAD_VALUE
}

const KNOWN_BY_LENGTH: (readonly { id: number; bytes: Uint8Array }[] | undefined)[] = []
for (const [name, id] of Object.entries(KNOWN)) {
  if (id !== KNOWN.other) (KNOWN_BY_LENGTH[name.length] as object[] | undefined) ??= []
  if (id !== KNOWN.other) (KNOWN_BY_LENGTH[name.length] as object[]).push({ id, bytes: Buffer.from(name) })
}

function knownField(bytes: Uint8Array, start: number, length: number): number {
  const candidates = length < KNOWN_BY_LENGTH.length ? KNOWN_BY_LENGTH[length] : undefined
  if (candidates === undefined) return KNOWN.other
  for (let c = 0; c < candidates.length; c++) {
    const { id, bytes: name } = candidates[c]!
    let i = 0
    // Setting this bit makes letters small and leaves digits and hyphens alone; no other token becomes one of them.
    while (i < length && (bytes[start + i]! | 32) === name[i]) i++
    if (i === length) return id
  }
  return KNOWN.other
}

export function fieldValue(bytes: Buffer, scan: FieldScan, field: number): string {
  return bytes.toString('latin1', scan.at[4 * field + 2], scan.at[4 * field + 3])
}

export function lowerNameOf(bytes: Buffer, scan: FieldScan, field: number): string {
  return bytes.toString('latin1', scan.at[4 * field], scan.at[4 * field + 1]).toLowerCase()
}

/**
 * Lines of the scan as they are, without the known fields of which `dropped` is 1 and those named in `left` (lower case).
 */
export function keptLines(
  bytes: Buffer,
  scan: FieldScan,
  dropped: Uint8Array,
  left: ReadonlySet<string> | undefined,
): string {
  const { at, known, count } = scan
  let text = ''
  let start = -1 // of the run of lines that are kept
  for (let field = 0; field < count; field++) {
    const isLeft = dropped[known[field]!] === 1 || left?.has(lowerNameOf(bytes, scan, field))
    if (!isLeft) {
      if (start === -1) start = at[4 * field]!
    } else if (start !== -1) {
      text += bytes.toString('latin1', start, at[4 * field])
      start = -1
    }
  }
  return start === -1 ? text : text + bytes.toString('latin1', start, at[4 * count])
}

/** Which known fields are left out, for `keptLines`. */
export function dropping(...names: readonly KnownField[]): Uint8Array {
  const dropped = new Uint8Array(KNOWN_FIELDS.length)
  for (const name of names) dropped[KNOWN[name]] = 1
  return dropped
}

/** Fields that speak to the next hop only (RFC 9110 7.6.1). */
export const HOP_BY_HOP = [
  'connection',
  'keep-alive',
  'proxy-connection',
  'te',
  'transfer-encoding',
  'upgrade',
  'http2-settings',
] as const satisfies KnownField[]

/** Those that frame, route or authorize a message are not allowed behind its body (RFC 9110 6.5.1). */
export const NOT_IN_TRAILERS = [
  ...HOP_BY_HOP,
  'host',
  'content-length',
  'content-encoding',
  'content-type',
  'content-range',
  'trailer',
  'expect',
  'authorization',
  'cookie',
  'set-cookie',
] as const satisfies KnownField[]
