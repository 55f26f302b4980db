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
  const finished = () => {
    running--
    waiting.shift()?.()
  }
  return task => {
    if (running >= width && waiting.length >= length) return undefined
    const turn = running < width ? Promise.resolve() : new Promise<void>(go => waiting.push(go))
    if (running < width) running++
    else return turn.then(() => (running++, task())).finally(finished)
    return turn.then(task).finally(finished)
  }
}
