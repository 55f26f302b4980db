/** Field lines of HTTP/1.1 as HTTP/2 has them: small letters, nothing that is for one hop of HTTP/1.1 only. */
import { HOP_BY_HOP } from '../http1/head-fields.ts'

const LEFT_OUT: ReadonlySet<string> = new Set([
  ...HOP_BY_HOP,
  'sec-websocket-accept', // the answer to a key that the client did not send
])

/** @returns names and values in turn */
export function responseFields(lines: string): string[] {
  const fields: string[] = []
  for (const line of lines.split('\r\n')) {
    const colon = line.indexOf(':')
    if (colon <= 0) continue
    const name = line.slice(0, colon).toLowerCase()
    if (!LEFT_OUT.has(name)) fields.push(name, line.slice(colon + 1).trim())
  }
  return fields
}
