/**
 * A controller that aborts with the first of its parents, for its reason. `AbortSignal.any` does so too, but keeps weak
 * references in both directions, which costs more than a short task that it is made for; here whoever makes one unlinks it.
 */
export interface LinkedAbort {
  readonly signal: AbortSignal
  abort(reason: unknown): void
  /** Lets go of the parents. */
  unlink(): void
}

/** Of a task that has so much time; aborts with a `TimeoutError`, as `AbortSignal.timeout` does. `unlink` ends the clock. */
export function timedAbort(timeoutMs: number, ...parents: readonly (AbortSignal | undefined)[]): LinkedAbort {
  const linked = linkedAbort(...parents)
  const timer = setTimeout(
    () => linked.abort(new DOMException('The operation was aborted due to timeout', 'TimeoutError')),
    Math.ceil(timeoutMs),
  ).unref()
  return {
    ...linked,
    unlink() {
      clearTimeout(timer)
      linked.unlink()
    },
  }
}

export function linkedAbort(...parents: readonly (AbortSignal | undefined)[]): LinkedAbort {
  const own = new AbortController()
  const links = parents.flatMap(parent => {
    if (!parent) return []
    if (parent.aborted) own.abort(parent.reason)
    const onAbort = () => own.abort(parent.reason)
    parent.addEventListener('abort', onAbort)
    return [() => parent.removeEventListener('abort', onAbort)]
  })
  return {
    signal: own.signal,
    abort: reason => own.abort(reason),
    unlink() {
      for (const unlink of links) unlink()
    },
  }
}
