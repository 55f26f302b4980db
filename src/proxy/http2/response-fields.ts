/** Field lines of HTTP/1.1 as HTTP/2 has them: small letters, nothing that is for one hop of HTTP/1.1 only. */
const LEFT_OUT = new Set([
  'connection',
  'keep-alive',
  'proxy-connection',
  'transfer-encoding',
  'upgrade',
  'http2-settings',
  'te',
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
