/**
 * Tells parts of this process at once that a server's rows changed. Only a shortcut: whoever listens also looks at the
 * database from time to time, because the change may be another process's.
 */
import { EventEmitter } from 'node:events'

export interface Signals {
  /** `line`: only its story went on; what it does is the same as before. */
  notify(spawnerId: number, what?: 'phase' | 'line'): void
  /** Calls `listener` at each change of what it does, until the returned function is called. */
  listen(spawnerId: number, listener: () => void): () => void
  /** Returns after a change of what it does, after `timeoutMs`, or when `signal` aborts. Never rejects. */
  wait(spawnerId: number, timeoutMs: number, signal?: AbortSignal): Promise<void>
  /** As `wait`, also after a line of its story. */
  waitForNews(spawnerId: number, timeoutMs: number, signal?: AbortSignal): Promise<void>
  /** As `waitForNews`, of any server. */
  waitForAny(timeoutMs: number, signal?: AbortSignal): Promise<void>
}

const ANY = 'any'

export function createSignals(): Signals {
  const emitter = new EventEmitter().setMaxListeners(0)
  return {
    notify(spawnerId, what = 'phase') {
      if (what === 'phase') emitter.emit(`${spawnerId}`)
      emitter.emit(`${spawnerId} news`)
      emitter.emit(ANY)
    },
    listen: (spawnerId, listener) => listenTo(`${spawnerId}`, listener),
    wait: (spawnerId, timeoutMs, signal) => waitFor(`${spawnerId}`, timeoutMs, signal),
    waitForNews: (spawnerId, timeoutMs, signal) => waitFor(`${spawnerId} news`, timeoutMs, signal),
    waitForAny: (timeoutMs, signal) => waitFor(ANY, timeoutMs, signal),
  }

  function waitFor(event: string, timeoutMs: number, signal?: AbortSignal): Promise<void> {
    const { promise, resolve } = Promise.withResolvers<void>()
    const timer = setTimeout(resolve, timeoutMs)
    const unlisten = listenTo(event, resolve)
    const onAbort = () => resolve()
    signal?.addEventListener('abort', onAbort)
    if (signal?.aborted) resolve()
    return promise.finally(() => {
      clearTimeout(timer)
      unlisten()
      signal?.removeEventListener('abort', onAbort)
    })
  }

  function listenTo(event: string, listener: () => void): () => void {
    emitter.on(event, listener)
    return () => void emitter.off(event, listener)
  }
}
