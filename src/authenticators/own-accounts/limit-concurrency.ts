import { HubError } from '../../core/errors.ts'

/** Runs at most `atOnce` tasks; others wait in turn, and beyond `waiting` of them HubError `too_busy` is thrown. */
export function limitConcurrency(atOnce: number, waiting: number): <T>(task: () => Promise<T>) => Promise<T> {
  const queue: (() => void)[] = []
  let running = 0
  return async task => {
    if (running >= atOnce) {
      if (queue.length >= waiting) throw tooBusy()
      await new Promise<void>(resolve => queue.push(resolve))
    } else running++
    try {
      return await task()
    } finally {
      // The place passes to the next in turn without becoming free.
      const next = queue.shift()
      if (next) next()
      else running--
    }
  }
}

function tooBusy(): HubError {
  return new HubError('too_busy', {
    status: 503,
    message: 'Too many people are signing in at this moment.',
    nextStep: 'Try again in a minute.',
    headers: { 'Retry-After': '30' },
  })
}
