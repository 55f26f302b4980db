import { setTimeout as sleep } from 'node:timers/promises'
import { type SocketTable, socketsSoon } from './socket-owner.ts'

const LOOK_EVERY_MS = 10

export interface PortWatch {
  /**
   * Resolves when anything listens on the port, at any address, or after `waitMs`; 10 ms later at the soonest. Tells what
   * was seen then.
   */
  appears(port: number, waitMs: number): Promise<SocketTable>
}

/** Looks at the kernel's table for all who wait at once, and only while somebody does. */
export function portWatch(): PortWatch {
  const waiting = new Set<{ port: number; until: number; done(seen: SocketTable): void }>()
  let looking = false

  async function look(): Promise<void> {
    looking = true
    while (waiting.size > 0) {
      await sleep(LOOK_EVERY_MS)
      const now = await socketsSoon()
      for (const entry of waiting) {
        if (!now.has(entry.port) && Date.now() < entry.until) continue
        waiting.delete(entry)
        entry.done(now)
      }
    }
    looking = false
  }

  return {
    appears(port, waitMs) {
      return new Promise(done => {
        waiting.add({ port, until: Date.now() + waitMs, done })
        if (!looking) void look()
      })
    },
  }
}
