import { connect } from 'node:net'

export interface RawAnswer {
  /** Of the first response; 0 when the connection ended without one. */
  readonly status: number
  /** Everything that came, heads and bodies. */
  readonly text: string
}

/** Sends bytes as they are and reads until the other side ends, or says nothing more for a while. */
export function sendRaw(url: string, bytes: string | Buffer, idleMs = 5000): Promise<RawAnswer> {
  const { hostname, port } = new URL(url)
  return new Promise(resolve => {
    const socket = connect(Number(port), hostname)
    let text = ''
    const end = () => {
      socket.destroy()
      resolve({ status: Number(/^HTTP\/1\.[01] (\d{3})/.exec(text)?.[1] ?? 0), text })
    }
    socket.setTimeout(idleMs, end)
    socket.on('data', chunk => {
      text += chunk.toString('latin1')
    })
    socket.on('error', () => {}) // a refusal may come as a reset; what was said before counts
    socket.on('close', end)
    socket.write(bytes)
  })
}

/** A request of lines, ended by `Connection: close` so that the answer is whole when the connection ends. */
export function rawRequest(lines: readonly string[], body = ''): string {
  return `${[...lines, 'Connection: close'].join('\r\n')}\r\n\r\n${body}`
}
