/**
 * Tells parts of this process at once that a server's rows changed. Only a shortcut: whoever listens also looks at the
 * database from time to time, because the change may be another process's.
 */
import { EventEmitter } from 'node:events'

export interface Signals {
  notify(spawnerId: number): void
  /** Calls `listener` at each change until the returned function is called. */
  listen(spawnerId: number, listener: () => void): () => void
  /** Returns after a change, after `timeoutMs`, or when `signal` aborts. Never rejects. */
  wait(spawnerId: number, timeoutMs: number, signal?: AbortSignal): Promise<void>
}

export function createSignals(): Signals {
  const emitter = new EventEmitter().setMaxListeners(0)
  return {
    notify: spawnerId => void emitter.emit(`${spawnerId}`),
    listen,
    wait(spawnerId, timeoutMs, signal) {
      const { promise, resolve } = Promise.withResolvers<void>()
      const timer = setTimeout(resolve, timeoutMs)
      const unlisten = listen(spawnerId, resolve)
      const onAbort = () => resolve()
      signal?.addEventListener('abort', onAbort)
      if (signal?.aborted) resolve()
      return promise.finally(() => {
        clearTimeout(timer)
        unlisten()
        signal?.removeEventListener('abort', onAbort)
      })
    },
  }

  function listen(spawnerId: number, listener: () => void): () => void {
    emitter.on(`${spawnerId}`, listener)
    return () => void emitter.off(`${spawnerId}`, listener)
  }
}
