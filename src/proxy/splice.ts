/**
 * Joins two sockets after an upgrade: bytes go both ways untouched, with back-pressure, and never run out of time
 * while both sides are open, however quiet they are. When one side has said its last word (half-close), the other
 * may go on, but not for ever in silence.
 */
import type { Socket } from 'node:net'

export function splice(
  client: Socket,
  upstream: Socket,
  options: { halfClosedIdleMs: number; onClientData: (chunk: Buffer) => void },
): void {
  for (const socket of [client, upstream]) {
    socket.setTimeout(0)
    socket.setNoDelay(true)
    socket.setKeepAlive(true, KEEP_ALIVE_PROBE_MS) // a vanished laptop is noticed although nobody writes
  }
  client.on('data', options.onClientData)
  join(client, upstream, options.halfClosedIdleMs)
  join(upstream, client, options.halfClosedIdleMs)
}

const KEEP_ALIVE_PROBE_MS = 30_000

function join(from: Socket, to: Socket, halfClosedIdleMs: number): void {
  from.pipe(to)
  from.once('end', () => {
    if (!to.destroyed && halfClosedIdleMs > 0) to.setTimeout(halfClosedIdleMs, () => to.destroy())
  })
  from.once('error', () => from.destroy())
  from.once('close', () => to.destroySoon())
}
