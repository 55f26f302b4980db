/** The head of an upstream's response, from bytes (RFC 9112 4 to 6). As strict as for requests, and for the same reason. */
import { CR, FIELD_VALUE, LF, SPACE } from './byte-classes.ts'
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
import { HeadFault, joined, lengthOf } from './request-head.ts'

export interface ResponseHead {
  readonly status: number
  readonly reason: string
  /** Fields for the client, each line with its CR LF; without what is for one hop only. Of a 101, all of them. */
  readonly lines: string
  readonly body: ResponseBody
  /** Bytes, with `body: 'length'`. */
  readonly contentLength: number
  /** The upstream keeps the connection after this response. */
  readonly keepAlive: boolean
  readonly hasDate: boolean
}

/** `none`: HEAD, 1xx, 204, 304, or a length of 0; `close`: until the connection ends. */
export type ResponseBody = 'none' | 'length' | 'chunked' | 'close'

export interface ParsedResponse {
  readonly head: ResponseHead
  readonly end: number
}

/** @param method of the request, since a response to HEAD has no body whatever its fields say */
export function parseResponseHead(
  bytes: Buffer,
  from: number,
  end: number,
  method: string,
): ParsedResponse | HeadFault | undefined {
  if (end - from < 13) return startsLikeHttp(bytes, from, end) ? undefined : NO_HTTP
  if (!startsLikeHttp(bytes, from, end)) return NO_HTTP
  const minor = bytes[from + 7]! - 48
  if (bytes[from + 5] !== 49 || bytes[from + 6] !== 46 || (minor !== 0 && minor !== 1)) return NO_HTTP
  const [a, b, c] = [bytes[from + 9]! - 48, bytes[from + 10]! - 48, bytes[from + 11]! - 48]
  if (bytes[from + 8] !== SPACE || !(a >= 1 && a <= 9 && b >= 0 && b <= 9 && c >= 0 && c <= 9)) return NO_HTTP
  const status = 100 * a + 10 * b + c

  let i = from + 12
  if (bytes[i] !== SPACE && bytes[i] !== CR) return NO_HTTP
  const reasonStart = bytes[i] === SPACE ? i + 1 : i
  i = reasonStart
  while (i < end && FIELD_VALUE[bytes[i]!] === 1) i++
  if (i + 1 >= end) return i < end && bytes[i] !== CR ? NO_HTTP : undefined
  if (bytes[i] !== CR || bytes[i + 1] !== LF) return NO_HTTP
  const reasonEnd = i
  const fieldsEnd = scanFields(bytes, i + 2, end, scan)
  if (fieldsEnd < 0) return fieldsEnd === INCOMPLETE ? undefined : new HeadFault(502, SCAN_FAULTS[fieldsEnd]!)

  const head = headFromScan(bytes, status, bytes.toString('latin1', reasonStart, reasonEnd), minor, method, i + 2)
  return head instanceof HeadFault ? head : { head, end: fieldsEnd }
}

const scan = newFieldScan()
const NO_HTTP = new HeadFault(502, 'the upstream does not speak HTTP/1.1')
const HTTP_SLASH = Buffer.from('HTTP/')
const DROPPED = dropping(...HOP_BY_HOP, 'trailer')
const DROPPED_BUT_TRAILER = dropping(...HOP_BY_HOP)
/** A 204 has no body and so no length (RFC 9110 8.6). */
const DROPPED_OF_204 = dropping(...HOP_BY_HOP, 'trailer', 'content-length')

function startsLikeHttp(bytes: Buffer, from: number, end: number): boolean {
  for (let i = 0; i < HTTP_SLASH.length && from + i < end; i++) if (bytes[from + i] !== HTTP_SLASH[i]) return false
  return true
}

function headFromScan(
  bytes: Buffer,
  status: number,
  reason: string,
  minor: 0 | 1,
  method: string,
  fieldsStart: number,
): ResponseHead | HeadFault {
  let connection: string | undefined
  let coding: string | undefined
  let contentLength = -1
  let hasDate = false
  const { known, count, at } = scan
  for (let field = 0; field < count; field++) {
    const id = known[field]!
    if (id === KNOWN.other) continue
    if (id === KNOWN.connection) connection = joined(connection, fieldValue(bytes, scan, field))
    else if (id === KNOWN.date) hasDate = true
    else if (id === KNOWN['transfer-encoding']) coding = joined(coding, fieldValue(bytes, scan, field))
    else if (id === KNOWN['content-length']) {
      if (contentLength !== -1) return new HeadFault(502, 'more than one Content-Length (RFC 9112 6.3)')
      contentLength = lengthOf(fieldValue(bytes, scan, field))
      if (contentLength === -1) return new HeadFault(502, 'a Content-Length that is no number (RFC 9112 6.3)')
    }
  }
  if (coding !== undefined) {
    if (minor === 0) return new HeadFault(502, 'Transfer-Encoding in HTTP/1.0 (RFC 9112 6.1)')
    if (contentLength !== -1) return new HeadFault(502, 'both Transfer-Encoding and Content-Length (RFC 9112 6.3)')
    if (coding.toLowerCase() !== 'chunked') return new HeadFault(502, 'a transfer coding other than chunked')
  }
  const options = connectionOptions(connection)
  const bodiless = method === 'HEAD' || status < 200 || status === 204 || status === 304
  const chunked = coding !== undefined && !bodiless
  const dropped = status === 204 || status < 200 ? DROPPED_OF_204 : chunked ? DROPPED_BUT_TRAILER : DROPPED
  const body = bodiless || contentLength === 0 ? 'none' : chunked ? 'chunked' : contentLength > 0 ? 'length' : 'close'
  return {
    status,
    reason,
    lines:
      status === 101
        ? bytes.toString('latin1', fieldsStart, at[4 * count])
        : keptLines(bytes, scan, dropped, options.nominated),
    body,
    contentLength: body === 'length' ? contentLength : 0,
    keepAlive: body !== 'close' && !options.close && (minor === 1 || options.keepAlive),
    hasDate,
  }
}
