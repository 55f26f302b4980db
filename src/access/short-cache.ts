/**
 * Remembers answers for a moment. Whoever changes what they were read from calls `clear`; changes made by other
 * processes show when the term is over. An answer that was asked for before a `clear` is not kept: it may be stale.
 */
export interface ShortCache<Value> {
  get(key: string, load: () => Promise<Value>): Promise<Value>
  clear(): void
}

export function createShortCache<Value>(options: {
  termMs: number
  maxEntries: number
  now: () => number
}): ShortCache<Value> {
  const entries = new Map<string, { value: Promise<Value>; until: number }>()
  return {
    get: (key, load) => {
      const known = entries.get(key)
      if (known && known.until > options.now()) return known.value
      const entry = { value: load(), until: options.now() + options.termMs }
      entries.delete(key)
      forgetOld()
      entries.set(key, entry)
      // What failed or was not found is asked again the next time; the caller sees the failure.
      const forget = () => void (entries.get(key) === entry && entries.delete(key))
      entry.value.then(value => value === undefined && forget(), forget)
      return entry.value
    },
    clear: () => entries.clear(),
  }

  /** All have one term, so the oldest are the first to run out. */
  function forgetOld(): void {
    const now = options.now()
    for (const [key, { until }] of entries) {
      if (until > now && entries.size < options.maxEntries) return
      entries.delete(key)
    }
  }
}
