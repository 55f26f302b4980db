/** Runs tasks of the same name one after the other, tasks of different names at the same time. */
export function oneAtATime(): <T>(name: string, task: () => Promise<T>) => Promise<T> {
  const last = new Map<string, Promise<unknown>>()
  return (name, task) => {
    const next = (last.get(name) ?? Promise.resolve()).then(task, task)
    last.set(name, next)
    const forget = () => {
      if (last.get(name) === next) last.delete(name)
    }
    next.then(forget, forget)
    return next
  }
}

/** Runs at most `width` tasks at a time and lets at most `length` wait; undefined when there is no room to wait. */
export function limitedQueue(width: number, length: number): <T>(task: () => Promise<T>) => Promise<T> | undefined {
  const waiting: (() => void)[] = []
  let running = 0
  // Whoever waits longest takes over the place.
  const finished = () => {
    const next = waiting.shift()
    if (next) next()
    else running--
  }
  return task => {
    if (running < width) {
      running++
      return task().finally(finished)
    }
    if (waiting.length >= length) return undefined
    return new Promise<void>(go => waiting.push(go)).then(task).finally(finished)
  }
}
