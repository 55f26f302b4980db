/** Runs checks, each within its time, and turns whatever they throw into findings. */
import { HubError } from '../core/errors.ts'
import { timedAbort } from '../core/linked-abort.ts'
import type { Check, Finding, Outcome, Site } from './check.ts'

const TIMEOUT_MS = 20_000

/** In the order of the checks. Never rejects. */
export async function runChecks(checks: readonly Check[], site: Site, signal?: AbortSignal): Promise<Finding[]> {
  const found = new Map<Check, Finding[]>()
  for (const check of checks.filter(each => each.alone)) found.set(check, await runCheck(check, site, signal))
  const others = checks.filter(each => !each.alone)
  await Promise.all(others.map(async check => void found.set(check, await runCheck(check, site, signal))))
  return checks.flatMap(check => found.get(check) ?? [])
}

async function runCheck(check: Check, site: Site, outer: AbortSignal | undefined): Promise<Finding[]> {
  const timeoutMs = (check.timeoutMs ?? TIMEOUT_MS) + (site.idleSeconds ?? 0) * 1000
  const { signal, unlink } = timedAbort(timeoutMs, outer)
  const late = new Promise<never>((_, reject) => signal.addEventListener('abort', () => reject(signal.reason)))
  late.catch(() => {}) // the check may have been faster
  const of = { check: check.id, title: check.title }
  try {
    const outcomes = await Promise.race([check.run(site, signal), late])
    return outcomes.map(outcome => ({ ...of, ...outcome }))
  } catch (error) {
    return [{ ...of, ...(signal.aborted ? tooSlow(timeoutMs) : broken(error)) }]
  } finally {
    unlink()
  }
}

function tooSlow(timeoutMs: number): Outcome {
  return {
    item: 'time',
    level: 'failure',
    message: `Was not done after ${timeoutMs / 1000} seconds.`,
    nextStep:
      'Something that it asks does not answer: a file system, the name service, a server. Run this check alone.',
  }
}

function broken(error: unknown): Outcome {
  if (error instanceof HubError) {
    return {
      item: 'check',
      level: 'failure',
      message: error.message,
      nextStep: error.nextStep ?? 'The list of errors in the documentation has the code.',
      details: { code: error.code },
    }
  }
  const text = error instanceof Error ? error.message : String(error)
  return {
    item: 'check',
    level: 'failure',
    message: `The check itself failed: ${text}.`,
    nextStep: 'Run orrery --debug doctor with this check alone, and report it.',
  }
}
