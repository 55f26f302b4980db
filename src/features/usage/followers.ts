/** Hands the latest value of something to everybody who follows it. */
export interface Followers<T> {
  readonly count: number
  tell(value: T): void
  /** Each value told from now on, until `signal` aborts; of several that came meanwhile the last. */
  follow(signal: AbortSignal): AsyncIterable<T>
}

export function createFollowers<T>(): Followers<T> {
  const waiting = new Set<(value: T) => void>()

  return {
    get count() {
      return waiting.size
    },
    tell(value) {
      for (const each of waiting) each(value)
    },
    async *follow(signal) {
      let latest: { value: T } | undefined
      let wake = Promise.withResolvers<void>()
      const take = (value: T) => {
        latest = { value }
        wake.resolve()
      }
      const leave = () => wake.resolve()
      waiting.add(take)
      signal.addEventListener('abort', leave)
      try {
        while (!signal.aborted) {
          await wake.promise
          wake = Promise.withResolvers()
          if (signal.aborted || !latest) continue
          const { value } = latest
          latest = undefined
          yield value
        }
      } finally {
        waiting.delete(take)
        signal.removeEventListener('abort', leave)
      }
    },
  }
}
