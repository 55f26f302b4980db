/** Why a start, a run or a stop ended: from what was thrown or polled to a `Reason` (docs/reference/errors.md). */
import { HubError } from '../core/errors.ts'
import { reasonInLog, shownLog } from '../core/log-symptoms.ts'
import { type Reason, SpawnError } from '../core/reason.ts'
import { serverReason, withPersonsStep } from '../core/server-reasons.ts'

/** Why a start or a wait was broken off; the `reason` of the signal that spawners are given. */
export class Interruption extends Error {
  override readonly name = 'Interruption'
  readonly code: 'start_timeout' | 'stop_requested' | 'lease_lost' | 'hub_closing'

  constructor(code: Interruption['code']) {
    super(code)
    this.code = code
  }
}

/** `lastSeen`: how far it got, a sentence without a full stop. */
export function startTimeoutReason(timeoutMs: number, lastSeen?: string): Reason {
  return serverReason('spawn_timeout', `The server did not start within ${seconds(timeoutMs)}${lastWas(lastSeen)}.`)
}

export function hookTimeoutReason(timeoutMs: number): Reason {
  const message = `The steps that this site runs before each start were not finished within ${seconds(timeoutMs)}.`
  return { ...serverReason('hook_timeout', message), logTail: '' }
}

/** `lastSeen`: what came of the last question. */
export function httpTimeoutReason(timeoutMs: number, lastSeen?: string): Reason {
  const message = `The server started but did not answer within ${seconds(timeoutMs)}${lastWas(lastSeen)}.`
  return serverReason('http_timeout', message)
}

function lastWas(seen: string | undefined): string {
  return seen ? `; last seen: ${seen.replace(/[.\s]+$/, '')}` : ''
}

export const hubRestarted = serverReason('hub_restarted', 'The hub was restarted while the server was starting.')

export const notOurServer = serverReason('address_taken', 'Something else answers where the server should be.')

export const speaksPlainly = serverReason(
  'server_without_tls',
  'The server does not speak TLS, which this hub asks of its servers.',
)

export const stopFailed = serverReason('stop_failed', 'The server could not be stopped.')

/** Stop pressed, by its user or by somebody else. */
export function stoppedReason(by: string, user: string): Reason {
  return by === user
    ? { code: 'stopped_by_user', message: 'You stopped this server.' }
    : { code: 'stopped_by_administrator', message: `${by} stopped this server.` }
}

/** Anything thrown on the way. What was not meant for people is told in general words, and logged by the caller. */
export function reasonOf(error: unknown): Reason {
  if (error instanceof SpawnError) return error.reason
  if (error instanceof HubError) {
    return { code: error.code, message: error.message, ...(error.nextStep && { nextStep: error.nextStep }) }
  }
  return serverReason('spawn_error', 'The server could not be started.')
}

/**
 * The reason as it is kept: with the end of the log, in which there may be a better one, and a step that the person can
 * take. `log`: its last `LOOKED_THROUGH` lines, without secrets.
 */
export function settledReason(reason: Reason, log: string): Reason {
  const kept = withPersonsStep(log.trim() === '' ? reason : { ...reason, logTail: shownLog(log) })
  if (reason.code === 'exited_early') return reasonInLog(log, 'ended') ?? kept
  if (reason.code !== 'spawn_timeout' && reason.code !== 'http_timeout') return kept
  const better = reasonInLog(log, 'held up')
  return better ? { ...better, message: `${better.message} ${reason.message}` } : kept
}

/** Is there nothing in it that an administrator would have to look up in the log? */
export function isTold(error: unknown): boolean {
  return error instanceof SpawnError || error instanceof HubError
}

function seconds(ms: number): string {
  const value = Math.round(ms / 100) / 10
  return value === 1 ? '1 second' : `${value} seconds`
}
