/**
 * Nobody takes the rest of a request's body any more. The client is let finish for a while, because closing at once
 * could make its system throw away the response that it has not read yet.
 */
import type { IncomingMessage, ServerResponse } from 'node:http'
import type { Writable } from 'node:stream'

const LINGER_MS = 5000

/** @param formerTarget what the body was piped into until now */
export function drainBody(req: IncomingMessage, res: ServerResponse, formerTarget?: Writable): void {
  if (req.complete || res.destroyed) return
  if (formerTarget) req.unpipe(formerTarget)
  req.resume()
  const startLinger = () => {
    if (req.complete) return
    const timer = setTimeout(() => req.socket.destroy(), LINGER_MS)
    for (const event of ['end', 'close'] as const) req.once(event, () => clearTimeout(timer))
  }
  if (res.writableFinished) startLinger()
  else res.once('finish', startLinger)
}
