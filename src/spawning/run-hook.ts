import { HubError } from '../core/errors.ts'
import { SpawnError } from '../core/reason.ts'

/**
 * Runs a function of the site's own for a start. What it throws becomes a SpawnError: its own words for a HubError or
 * a SpawnError, else `hook_failed`. The log of the server is left out of the reason, for it has nothing to do with it.
 * A function that does not heed the signal is left behind when that aborts; the reason of the signal is thrown.
 */
export async function runHook<T>(name: string, signal: AbortSignal, run: () => T | Promise<T>): Promise<T> {
  const { promise: aborted, reject } = Promise.withResolvers<never>()
  const onAbort = () => reject(signal.reason)
  signal.addEventListener('abort', onAbort)
  if (signal.aborted) onAbort()
  try {
    const running = Promise.resolve().then(run)
    return await Promise.race([running.catch(cause => throwTold(name, signal, cause)), aborted])
  } finally {
    signal.removeEventListener('abort', onAbort)
  }
}

function throwTold(name: string, signal: AbortSignal, cause: unknown): never {
  if (signal.aborted) throw signal.reason
  if (cause instanceof SpawnError) throw cause
  if (cause instanceof HubError) {
    const { code, message, nextStep } = cause
    throw new SpawnError({ code, message, ...(nextStep && { nextStep }), logTail: '' }, { status: cause.status, cause })
  }
  throw new SpawnError(
    {
      code: 'hook_failed',
      message: `A step that this site runs before each start has failed (${name}).`,
      nextStep: 'Try again; if it fails again, tell your administrator: the log of the hub has the cause.',
      logTail: '',
    },
    { cause },
  )
}
