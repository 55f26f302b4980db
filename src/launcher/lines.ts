import type { Duplex } from 'node:stream'

/** Calls back for each line; a line longer than `maxBytes` ends the connection. */
export function readLines(socket: Duplex, maxBytes: number, onLine: (line: string) => void): void {
  let pending: Buffer[] = []
  let bytes = 0
  socket.on('data', (chunk: Buffer) => {
    let rest = chunk
    for (let end = rest.indexOf(10); end >= 0; end = rest.indexOf(10)) {
      const line = Buffer.concat([...pending, rest.subarray(0, end)])
      pending = []
      bytes = 0
      rest = rest.subarray(end + 1)
      if (line.length > maxBytes) return void socket.destroy()
      if (line.length > 0) onLine(line.toString('utf8'))
    }
    pending.push(rest)
    bytes += rest.length
    if (bytes > maxBytes) socket.destroy()
  })
}
