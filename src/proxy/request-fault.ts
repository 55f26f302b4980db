/**
 * What Node's parser lets pass and a gateway must not, because the next server might read it differently
 * (request smuggling). Node itself refuses conflicting lengths, bad chunking, folded fields and a missing Host.
 */
import type { IncomingMessage } from 'node:http'

export interface RequestFault {
  readonly status: 400 | 501
  readonly reason: string
}

export function findRequestFault(req: IncomingMessage): RequestFault | undefined {
  let hosts = 0
  const raw = req.rawHeaders
  for (let i = 0; i < raw.length; i += 2) {
    if (raw[i]!.length === 4 && raw[i]!.toLowerCase() === 'host') hosts++
  }
  if (hosts > 1) return { status: 400, reason: 'more than one Host field (RFC 9112 3.2)' }

  const coding = req.headers['transfer-encoding']
  if (coding === undefined) return undefined
  if (req.httpVersion === '1.0') return { status: 400, reason: 'Transfer-Encoding in HTTP/1.0 (RFC 9112 6.1)' }
  if (req.headers['content-length'] !== undefined) {
    return { status: 400, reason: 'both Transfer-Encoding and Content-Length (RFC 9112 6.3)' }
  }
  if (coding.trim().toLowerCase() !== 'chunked') {
    return { status: 501, reason: 'a transfer coding other than chunked (RFC 9112 6.1)' }
  }
  return undefined
}
