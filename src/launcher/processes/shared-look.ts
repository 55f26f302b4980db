/** Looks at something of the kernel's that takes milliseconds to read, for all who ask meanwhile. */
import { setTimeout as sleep } from 'node:timers/promises'

/** Of the time, at most a third goes into looking: hundreds of servers that start or end must not keep off all else. */
const REST = 2

/** A look that begins after the call; whoever asks at the same time gets the same one. */
export function sharedLook<T>(look: () => T): () => Promise<T> {
  let next: Promise<T> | undefined
  let restUntil = 0

  async function lookSoon(): Promise<T> {
    await sleep(Math.max(0, restUntil - performance.now()))
    next = undefined
    const began = performance.now()
    try {
      return look()
    } finally {
      const now = performance.now()
      restUntil = now + REST * (now - began)
    }
  }

  return () => {
    next ??= lookSoon()
    return next
  }
}
