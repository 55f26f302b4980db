import { randomInt } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { createServer } from 'node:net'
import { Refusal } from '../refusal.ts'

const LOWEST = 10_000
const TRIES = 200
/** How long nobody else is offered the same port: longer than a server takes to listen. */
const RESERVED_MS = 120_000

/**
 * Offers ports on which nobody listens, outside the range the kernel takes ports for outgoing connections from, and
 * each to one asker only. Somebody else may still take it before the server does; the spawner sees that and asks again.
 */
export function portOffice(): (ip: string) => Promise<number> {
  const reserved = new Map<number, number>()
  const highest = lowestEphemeralPort()
  return async ip => {
    const now = Date.now()
    for (const [port, until] of reserved) if (until <= now) reserved.delete(port)
    for (let tried = 0; tried < TRIES; tried++) {
      const port = randomInt(LOWEST, highest)
      if (reserved.has(port)) continue
      reserved.set(port, now + RESERVED_MS)
      if (await isFree(ip, port)) return port
    }
    throw new Refusal('no_free_port', 'No free port was found on this machine.', 'Stop servers that are not used.')
  }
}

function isFree(ip: string, port: number): Promise<boolean> {
  return new Promise(done => {
    const probe = createServer()
    probe.once('error', () => done(false))
    probe.listen({ host: ip, port, exclusive: true }, () => probe.close(() => done(true)))
  })
}

function lowestEphemeralPort(): number {
  try {
    const low = Number(readFileSync('/proc/sys/net/ipv4/ip_local_port_range', 'utf8').trim().split(/\s+/)[0])
    // A host may give nearly all ports to the kernel; then one is taken from the usual range all the same.
    return low > LOWEST + 1000 ? low : 32_768
  } catch {
    return 32_768
  }
}
