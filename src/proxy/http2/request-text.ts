/**
 * A request of HTTP/2 as the text of HTTP/1.1 (RFC 9113 8.3, RFC 8441), so that it meets the same checks as any other and
 * nothing of it can mean something else to the server behind.
 */
import { randomBytes } from 'node:crypto'
import { HOP_BY_HOP, NOT_IN_TRAILERS } from '../http1/head-fields.ts'
import { HeadFault } from '../http1/request-head.ts'

const IN_NO_TRAILER: ReadonlySet<string> = new Set(NOT_IN_TRAILERS)

/** Valid in HTTP/1.1 alone (RFC 9113 8.2.2); what nghttp2 lets pass must not become a second framing. */
const CONNECTION_SPECIFIC: ReadonlySet<string> = new Set(HOP_BY_HOP.filter(name => name !== 'te'))
const TOKEN = /^[!#$%&'*+\-.^_`|~0-9a-z]+$/
const UNSAFE = /[\0\r\n]/

/**
 * @param raw names and values in turn, as they came
 * @param ended there is no body
 * @returns latin-1 text with the empty line, or why the request is refused
 */
export function requestText(raw: readonly string[], ended: boolean): string | HeadFault {
  const pseudo = new Map<string, string>()
  let lines = ''
  let cookie: string | undefined
  let host: string | undefined
  let hasLength = false
  for (let i = 0; i + 1 < raw.length; i += 2) {
    const [name, value] = [raw[i]!, raw[i + 1]!]
    if (UNSAFE.test(value)) return new HeadFault(400, 'a control character in a field value (RFC 9113 8.2.1)')
    if (name.startsWith(':')) {
      if (pseudo.has(name)) return new HeadFault(400, `more than one ${name}`)
      pseudo.set(name, value)
      continue
    }
    if (!TOKEN.test(name)) return new HeadFault(400, 'a field name with a character that names cannot have')
    if (CONNECTION_SPECIFIC.has(name)) return new HeadFault(400, `${name} has no place in HTTP/2 (RFC 9113 8.2.2)`)
    if (name === 'cookie') {
      cookie = cookie === undefined ? value : `${cookie}; ${value}` // RFC 9113 8.2.3
      continue
    }
    if (name === 'host') {
      if (host !== undefined) return new HeadFault(400, 'more than one Host field')
      host = value
      continue
    }
    if (name === 'content-length') hasLength = true
    if (name === 'te' && value.toLowerCase() !== 'trailers') return new HeadFault(400, 'TE can say trailers alone')
    lines += `${name}: ${value}\r\n`
  }
  const method = pseudo.get(':method')
  const path = pseudo.get(':path')
  const authority = pseudo.get(':authority')
  const protocol = pseudo.get(':protocol')
  if (authority && host && authority.toLowerCase() !== host.toLowerCase()) {
    return new HeadFault(400, ':authority and Host do not agree (RFC 9113 8.3.1)')
  }
  if (method === 'CONNECT' && protocol === undefined) return new HeadFault(405, 'this is not a tunnel')
  if (method !== 'CONNECT' && protocol !== undefined) return new HeadFault(400, ':protocol is for CONNECT (RFC 8441)')
  if (method === undefined || path === undefined || !/^(\/|\*$)/.test(path)) {
    return new HeadFault(400, 'no method, or no path')
  }
  if (cookie !== undefined) lines += `cookie: ${cookie}\r\n`
  const hostLine = `host: ${authority || host || ''}\r\n`
  if (protocol !== undefined) return upgradeText(protocol, path, hostLine + lines)
  if (!ended && !hasLength) lines += 'transfer-encoding: chunked\r\n'
  return `${method} ${path} HTTP/1.1\r\n${hostLine}${lines}\r\n`
}

/** WebSocket over HTTP/2 (RFC 8441 5): no key there, and none is needed, since nothing between can take it for HTTP/1.1. */
function upgradeText(protocol: string, path: string, lines: string): string | HeadFault {
  if (protocol !== 'websocket') return new HeadFault(501, 'no other protocol than websocket')
  const key = `sec-websocket-key: ${randomBytes(16).toString('base64')}\r\n`
  return `GET ${path} HTTP/1.1\r\n${lines}${key}connection: Upgrade\r\nupgrade: websocket\r\n\r\n`
}

/** Trailers as lines; those that HTTP/2 does not allow are left out. */
export function trailerLines(raw: readonly string[]): string {
  let lines = ''
  for (let i = 0; i + 1 < raw.length; i += 2) {
    const [name, value] = [raw[i]!, raw[i + 1]!]
    if (TOKEN.test(name) && !UNSAFE.test(value) && !IN_NO_TRAILER.has(name)) lines += `${name}: ${value}\r\n`
  }
  return lines
}
