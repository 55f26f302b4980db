import { setTimeout as sleep } from 'node:timers/promises'
import { http, https } from '../http/node-http.ts'
import type { ClientTls } from '../pki/internal/client-tls.ts'

const LOOK_EVERY_MS = 250
const ONE_ANSWER_MS = 5_000

/** Does anything answer HTTP there, whatever it says, before the time is over? With `tls` it must prove who it is. */
export async function answersWithin(
  url: string,
  { timeoutMs, tls }: { timeoutMs: number; tls?: ClientTls | undefined },
  stop: AbortSignal,
): Promise<boolean> {
  for (const deadline = Date.now() + timeoutMs; !stop.aborted; ) {
    if (await answers(url, tls, stop)) return true
    if (Date.now() > deadline) return false
    await sleep(LOOK_EVERY_MS, undefined, { signal: stop }).catch(() => {})
  }
  return false
}

function answers(url: string, tls: ClientTls | undefined, stop: AbortSignal): Promise<boolean> {
  const { promise, resolve } = Promise.withResolvers<boolean>()
  const signal = AbortSignal.any([stop, AbortSignal.timeout(ONE_ANSWER_MS)])
  const request = (url.startsWith('https:') ? https : http).get(url, { ...tls, agent: false, signal }, response => {
    response.destroy()
    resolve(true)
  })
  request.on('error', () => resolve(false))
  return promise
}
