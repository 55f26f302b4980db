import { setTimeout as sleep } from 'node:timers/promises'

const LOOK_EVERY_MS = 250
const ONE_ANSWER_MS = 5_000

/** Does anything answer HTTP there, whatever it says, before the time is over? */
export async function answersWithin(url: string, timeoutMs: number, stop: AbortSignal): Promise<boolean> {
  for (const deadline = Date.now() + timeoutMs; !stop.aborted; ) {
    if (await answers(url, stop)) return true
    if (Date.now() > deadline) return false
    await sleep(LOOK_EVERY_MS, undefined, { signal: stop }).catch(() => {})
  }
  return false
}

async function answers(url: string, stop: AbortSignal): Promise<boolean> {
  try {
    const signal = AbortSignal.any([stop, AbortSignal.timeout(ONE_ANSWER_MS)])
    const response = await fetch(url, { redirect: 'manual', signal })
    await response.body?.cancel()
    return true
  } catch {
    return false
  }
}
