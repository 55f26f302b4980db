/**
 * When the next order may be tried. Authorities count failures (Let's Encrypt: five an hour for a name), so the pauses
 * grow, and they are kept in a file: a service manager that starts the proxy again and again asks no more often for it.
 */
import { readFile, rm } from 'node:fs/promises'
import { replaceFile } from '../../db/replace-file.ts'

export interface Failures {
  readonly count: number
  /** Milliseconds since the epoch. */
  readonly retryAtMs: number
  readonly reason: string
}

const FIRST_PAUSE_MS = 5 * 60_000
const LONGEST_PAUSE_MS = 24 * 3_600_000
/** For an authority that says "too many" itself. */
const LIMITED_PAUSE_MS = 3 * 3_600_000
const JITTER = 0.2

/** @param random from 0 up to 1 */
export function nextFailure(former: Failures | undefined, reason: string, nowMs: number, random: number): Failures {
  const count = (former?.count ?? 0) + 1
  const grown = Math.min(FIRST_PAUSE_MS * 2 ** Math.min(count - 1, 20), LONGEST_PAUSE_MS)
  const pauseMs = /rateLimited|rate limit|too many/i.test(reason) ? Math.max(grown, LIMITED_PAUSE_MS) : grown
  return { count, retryAtMs: nowMs + pauseMs * (1 - JITTER + 2 * JITTER * random), reason }
}

/** Undefined when the last order went well, or nothing can be read. */
export async function readFailures(file: string): Promise<Failures | undefined> {
  try {
    const { count, retryAtMs, reason } = JSON.parse(await readFile(file, 'utf8')) as Partial<Failures> // checked below
    return typeof count === 'number' && typeof retryAtMs === 'number'
      ? { count, retryAtMs, reason: `${reason}` }
      : undefined
  } catch {
    return undefined
  }
}

export async function writeFailures(file: string, failures: Failures | undefined): Promise<void> {
  if (failures) await replaceFile(file, `${JSON.stringify(failures)}\n`)
  else await rm(file, { force: true })
}
