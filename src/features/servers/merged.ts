/** What two sources yield, as it comes; ends with the first, which then ends the other. */
export async function* merged<T>(first: AsyncIterable<T>, second: AsyncIterable<T>): AsyncGenerator<T> {
  const leading = first[Symbol.asyncIterator]()
  const beside = second[Symbol.asyncIterator]()
  const ask = (iterator: AsyncIterator<T>) => iterator.next().then(result => ({ iterator, result }))
  const waiting = new Map([
    [leading, ask(leading)],
    [beside, ask(beside)],
  ])
  try {
    for (;;) {
      const { iterator, result } = await Promise.race(waiting.values())
      if (result.done && iterator === leading) return
      if (result.done) waiting.delete(iterator)
      else {
        waiting.set(iterator, ask(iterator))
        yield result.value
      }
    }
  } finally {
    for (const pending of waiting.values()) pending.catch(() => {})
    for (const iterator of [leading, beside]) void iterator.return?.()?.catch(() => {})
  }
}
