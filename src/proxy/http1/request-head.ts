/**
 * The head of a request, from bytes (RFC 9112 2 to 6). Strict, because a gateway that understands more than the server
 * behind it can be made to see other requests than that server does: what two parsers could read differently is refused
 * here, and whatever passes is also what Node's parser would read (request-head.fuzz.test.ts).
 */

import { CLOSING_BRACKET, COLON, CR, HOST, LF, OPENING_BRACKET, SLASH, SPACE, TARGET, TOKEN } from './byte-classes.ts'
import { connectionOptions } from './connection-options.ts'
import {
  dropping,
  fieldValue,
  HOP_BY_HOP,
  INCOMPLETE,
  KNOWN,
  keptLines,
  newFieldScan,
  SCAN_FAULTS,
  scanFields,
} from './head-fields.ts'
import { METHODS } from './methods.ts'

/** What of a request's fields is not passed on because the proxy writes it anew. */
export interface FieldRules {
  /** `X-Forwarded-*` are taken out, as `forwarded` has them. */
  readonly takeForwarded: boolean
  /** Lower-case names of fields that the proxy sets itself. */
  readonly replaced: ReadonlySet<string> | undefined
}

/** Latin-1 strings throughout, as in the bytes. */
export interface RequestHead {
  readonly method: string
  /** As written: `/path?query`, `http://host/path` or `*`. */
  readonly target: string
  readonly minor: 0 | 1
  /** `Host`; undefined only in HTTP/1.0. */
  readonly host: string | undefined
  /** Fields for the next server, `Name: value` lines each with its CR LF; without `Host` and what is for one hop only. */
  readonly lines: string
  /** How its body is framed. `none` is also a length of 0. */
  readonly body: 'none' | 'length' | 'chunked'
  /** Bytes, with `body: 'length'`. */
  readonly contentLength: number
  /** Whether there was a `Content-Length` field. */
  readonly hasLength: boolean
  /** What the client wants to upgrade to; undefined also when a body or the kind (`h2c`) makes an upgrade impossible. */
  readonly upgrade: string | undefined
  /** `Expect: 100-continue`, or anything else that it may expect. */
  readonly expects: boolean
  /** The client understands trailers (`TE: trailers`). */
  readonly takesTrailers: boolean
  /** The client wants the connection kept after this. */
  readonly keepAlive: boolean
  /** Undefined when there were none, and when they are not taken out. */
  readonly forwarded: Forwarded | undefined
}

/** `X-Forwarded-*` of a proxy in front of this one, repetitions joined by `, `. */
export interface Forwarded {
  for: string | undefined
  port: string | undefined
  proto: string | undefined
  host: string | undefined
}

/** Why a message is refused; `reason` is for the log and the client. */
export class HeadFault {
  readonly status: number
  readonly reason: string
  constructor(status: number, reason: string) {
    this.status = status
    this.reason = reason
  }
}

/** What `parseRequestHead` found: the head and where its body begins, a fault, or that bytes are missing. */
export interface ParsedRequest {
  readonly head: RequestHead
  /** Position of the first byte behind the head. */
  readonly end: number
}

/** Faults that need no fields are told as soon as they can be seen, before the head is complete. */
export function parseRequestHead(
  bytes: Buffer,
  from: number,
  end: number,
  rules: FieldRules,
): ParsedRequest | HeadFault | undefined {
  let i = from
  // Empty lines before a request are skipped (RFC 9112 2.2).
  while (i + 1 < end && bytes[i] === CR && bytes[i + 1] === LF) i += 2
  const methodStart = i
  while (i < end && TOKEN[bytes[i]!] === 1) i++
  if (i >= end) return undefined
  if (i === methodStart && bytes[i] === CR && i + 1 >= end) return undefined
  if (bytes[i] !== SPACE || i === methodStart) return new HeadFault(400, 'no method (RFC 9112 3)')
  const method = bytes.toString('latin1', methodStart, i)
  if (!METHODS.has(method)) return new HeadFault(400, 'an unknown method')

  const targetStart = ++i
  while (i < end && TARGET[bytes[i]!] === 1) i++
  if (i >= end) return undefined
  if (bytes[i] !== SPACE || i === targetStart) return new HeadFault(400, 'a request line of another form (RFC 9112 3)')
  const target = bytes.toString('latin1', targetStart, i)
  if (!isTarget(target, method) && method !== 'CONNECT')
    return new HeadFault(400, 'a target that is neither a path nor a URL (RFC 9112 3.2)')
  i++
  if (end - i < 10) return undefined
  const minor = minorVersion(bytes, i)
  if (minor instanceof HeadFault) return minor
  const fieldsEnd = scanFields(bytes, i + 10, end, scan)
  if (fieldsEnd < 0) return fieldsEnd === INCOMPLETE ? undefined : new HeadFault(400, SCAN_FAULTS[fieldsEnd]!)
  if (method === 'CONNECT') return new HeadFault(405, 'this is not a tunnel')

  const head = headFromScan(bytes, method, target, minor, rules)
  return head instanceof HeadFault ? head : { head, end: fieldsEnd }
}

const scan = newFieldScan()

/** A path, `*` for OPTIONS alone, or a URL without a user's name (RFC 9110 4.2.4). */
function isTarget(target: string, method: string): boolean {
  if (target.charCodeAt(0) === SLASH) return true
  return target === '*' ? method === 'OPTIONS' : /^https?:\/\/[^/?#@]+(?:[/?#]|$)/i.test(target)
}

/** `HTTP/1.0` and `HTTP/1.1`, with the end of the line. */
function minorVersion(bytes: Buffer, at: number): 0 | 1 | HeadFault {
  const isHttp1 =
    bytes[at] === 72 && bytes[at + 1] === 84 && bytes[at + 2] === 84 && bytes[at + 3] === 80 && bytes[at + 4] === 47
  if (!isHttp1) return new HeadFault(400, 'no HTTP version (RFC 9112 2.3)')
  const digit = bytes[at + 7]! - 48
  if (bytes[at + 5] !== 49 || bytes[at + 6] !== 46 || (digit !== 0 && digit !== 1)) {
    return new HeadFault(505, 'another version than HTTP/1.0 or HTTP/1.1')
  }
  if (bytes[at + 8] !== CR || bytes[at + 9] !== LF) return new HeadFault(400, SCAN_FAULTS[-3]!)
  return digit
}

const DROPPED = dropping(...HOP_BY_HOP, 'host', 'trailer')
const DROPPED_BUT_TRAILER = dropping(...HOP_BY_HOP, 'host')
const FORWARDED = ['x-forwarded-for', 'x-forwarded-port', 'x-forwarded-proto', 'x-forwarded-host'] as const
const DROPPED_AND_FORWARDED = dropping(...HOP_BY_HOP, 'host', 'trailer', ...FORWARDED)
const DROPPED_AND_FORWARDED_BUT_TRAILER = dropping(...HOP_BY_HOP, 'host', ...FORWARDED)

function headFromScan(
  bytes: Buffer,
  method: string,
  target: string,
  minor: 0 | 1,
  rules: FieldRules,
): RequestHead | HeadFault {
  let host: string | undefined
  let connection: string | undefined
  let coding: string | undefined
  let upgrade: string | undefined
  let te: string | undefined
  let contentLength = -1
  let expects = false
  let forwarded: Forwarded | undefined
  const { known, count } = scan
  for (let field = 0; field < count; field++) {
    const id = known[field]!
    if (id === KNOWN.other) continue
    switch (id) {
      case KNOWN.host:
        if (host !== undefined) return new HeadFault(400, 'more than one Host field (RFC 9112 3.2)')
        if (!isHost(bytes, field)) return new HeadFault(400, 'a Host field that names no host (RFC 9112 3.2)')
        host = fieldValue(bytes, scan, field)
        break
      case KNOWN.connection:
        connection = joined(connection, fieldValue(bytes, scan, field))
        break
      case KNOWN['content-length']:
        if (contentLength !== -1) return new HeadFault(400, 'more than one Content-Length (RFC 9112 6.3)')
        contentLength = lengthOf(fieldValue(bytes, scan, field))
        if (contentLength === -1) return new HeadFault(400, 'a Content-Length that is no number (RFC 9112 6.3)')
        break
      case KNOWN['transfer-encoding']:
        if (coding !== undefined) return new HeadFault(400, 'more than one Transfer-Encoding (RFC 9112 6.1)')
        coding = fieldValue(bytes, scan, field)
        break
      case KNOWN.upgrade:
        upgrade = joined(upgrade, fieldValue(bytes, scan, field))
        break
      case KNOWN.te:
        te = joined(te, fieldValue(bytes, scan, field))
        break
      case KNOWN.expect:
        expects = true
        break
      case KNOWN['x-forwarded-for']:
      case KNOWN['x-forwarded-port']:
      case KNOWN['x-forwarded-proto']:
      case KNOWN['x-forwarded-host']:
        if (rules.takeForwarded) forwarded = withForwarded(forwarded, id, fieldValue(bytes, scan, field))
        break
    }
  }
  if (host === undefined && minor === 1) return new HeadFault(400, 'no Host field (RFC 9112 3.2)')
  if (coding !== undefined) {
    if (minor === 0) return new HeadFault(400, 'Transfer-Encoding in HTTP/1.0 (RFC 9112 6.1)')
    if (contentLength !== -1) return new HeadFault(400, 'both Transfer-Encoding and Content-Length (RFC 9112 6.3)')
    if (coding.toLowerCase() !== 'chunked') {
      return new HeadFault(501, 'a transfer coding other than chunked (RFC 9112 6.1)')
    }
  }
  const { close, keepAlive, upgrade: wantsUpgrade, nominated } = connectionOptions(connection)
  const chunked = coding !== undefined
  const dropped = rules.takeForwarded
    ? chunked
      ? DROPPED_AND_FORWARDED_BUT_TRAILER
      : DROPPED_AND_FORWARDED
    : chunked
      ? DROPPED_BUT_TRAILER
      : DROPPED
  return {
    method,
    target,
    minor,
    host,
    lines: keptLines(bytes, scan, dropped, union(nominated, rules.replaced)),
    body: chunked ? 'chunked' : contentLength > 0 ? 'length' : 'none',
    contentLength: contentLength === -1 ? 0 : contentLength,
    hasLength: contentLength !== -1,
    upgrade: wantsUpgrade && !chunked && contentLength <= 0 ? possibleUpgrade(upgrade) : undefined,
    expects,
    takesTrailers: te !== undefined && /(?:^|,)\s*trailers\s*(?:$|,|;)/i.test(te),
    keepAlive: minor === 1 ? !close : keepAlive && !close,
    forwarded,
  }
}

/** Clients merely offer `h2c` and are content to see it ignored. */
function possibleUpgrade(upgrade: string | undefined): string | undefined {
  return upgrade === undefined || /(?:^|,)\s*h2c?\s*(?:,|$)/i.test(upgrade) ? undefined : upgrade
}

/** Host and port: behind a colon that is not within an IPv6 address are digits only. */
function isHost(bytes: Buffer, field: number): boolean {
  const start = scan.at[4 * field + 2]!
  const end = scan.at[4 * field + 3]!
  let inAddress = bytes[start] === OPENING_BRACKET && end > start
  let inPort = false
  for (let i = start; i < end; i++) {
    const byte = bytes[i]!
    if (HOST[byte] !== 1) return false
    if (inAddress) inAddress = byte !== CLOSING_BRACKET
    else if (byte === COLON && !inPort) inPort = true
    else if (inPort && (byte < 48 || byte > 57)) return false
  }
  return !inAddress
}

/** -1 for what is not a number of bytes that JavaScript can count. */
export function lengthOf(value: string): number {
  if (value.length === 0 || value.length > 15) return -1
  let length = 0
  for (let i = 0; i < value.length; i++) {
    const digit = value.charCodeAt(i) - 48
    if (digit < 0 || digit > 9) return -1
    length = 10 * length + digit
  }
  return length
}

export function joined(before: string | undefined, value: string): string {
  return before === undefined ? value : `${before}, ${value}`
}

function withForwarded(before: Forwarded | undefined, id: number, value: string): Forwarded {
  const fields = before ?? { for: undefined, port: undefined, proto: undefined, host: undefined }
  if (id === KNOWN['x-forwarded-for']) fields.for = joined(fields.for, value)
  else if (id === KNOWN['x-forwarded-port']) fields.port = joined(fields.port, value)
  else if (id === KNOWN['x-forwarded-proto']) fields.proto = joined(fields.proto, value)
  else fields.host = joined(fields.host, value)
  return fields
}

function union(
  a: ReadonlySet<string> | undefined,
  b: ReadonlySet<string> | undefined,
): ReadonlySet<string> | undefined {
  if (a === undefined || b === undefined) return a ?? b
  return new Set([...a, ...b])
}
