/** Does one thing to many, a few at a time, and tells which failed and why. */
export interface Outcome<T> {
  readonly done: readonly T[]
  readonly failed: readonly { readonly item: T; readonly error: Error }[]
}

const AT_ONCE = 4

/** Never rejects. What has not begun when `signal` aborts is in neither list. */
export async function runMany<T>(
  items: readonly T[],
  action: (item: T) => Promise<unknown>,
  options: { onProgress?: (finished: number) => void; signal?: AbortSignal; atOnce?: number } = {},
): Promise<Outcome<T>> {
  const results = new Map<T, Error | undefined>()
  const queue = items.values()
  const worker = async () => {
    for (const item of queue) {
      if (options.signal?.aborted) return
      results.set(item, await action(item).then(() => undefined, toError))
      options.onProgress?.(results.size)
    }
  }
  await Promise.all(Array.from({ length: Math.min(options.atOnce ?? AT_ONCE, items.length) }, worker))
  // In the order that was asked for, not in that of the answers.
  const ended = items.filter(item => results.has(item))
  return {
    done: ended.filter(item => !results.get(item)),
    failed: ended.flatMap(item => {
      const error = results.get(item)
      return error ? [{ item, error }] : []
    }),
  }
}

function toError(reason: unknown): Error {
  return reason instanceof Error ? reason : new Error(String(reason))
}
