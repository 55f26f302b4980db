/** Why a start, a run or a stop ended: from what was thrown or polled to a `Reason` (docs/reference/errors.md). */
import { HubError } from '../core/errors.ts'
import { type Reason, SpawnError } from '../core/reason.ts'
import type { Exit } from '../plugin/spawner.ts'

/** Why a start or a wait was broken off; the `reason` of the signal that spawners are given. */
export class Interruption extends Error {
  override readonly name = 'Interruption'
  readonly code: 'start_timeout' | 'stop_requested' | 'lease_lost' | 'hub_closing'

  constructor(code: Interruption['code']) {
    super(code)
    this.code = code
  }
}

const LOOK_AT_LOG = 'The last lines of its log tell more.'
const TRY_AGAIN = 'Start it again; if it fails again, show the log to your administrator.'

/** A server that ended by itself. `when`: while it was starting, or later. */
export function exitReason(exit: Exit, when: 'starting' | 'running'): Reason {
  if (exit.reason === 'out_of_memory') {
    return {
      code: 'out_of_memory',
      message: 'The server used more memory than it may and was ended.',
      nextStep: 'Start it again and use less memory at a time, or ask for a larger limit.',
    }
  }
  if (exit.reason === 'node_lost') {
    return { code: 'node_lost', message: 'The machine the server ran on is gone.', nextStep: 'Start it again.' }
  }
  const how = exit.signal
    ? `ended by ${exit.signal}`
    : exit.status === undefined
      ? 'ended'
      : `ended with status ${exit.status}`
  if (when === 'starting') {
    return { code: 'exited_early', message: `The server ${how} while it was starting.`, nextStep: LOOK_AT_LOG }
  }
  if (exit.status === 0 && !exit.signal && !exit.reason) {
    return { code: 'server_shut_down', message: 'The server was shut down from within.', nextStep: 'Start it again.' }
  }
  return { code: exit.reason ?? 'server_died', message: `The server ${how}.`, nextStep: TRY_AGAIN }
}

export function startTimeoutReason(timeoutMs: number): Reason {
  return {
    code: 'spawn_timeout',
    message: `The server did not start within ${seconds(timeoutMs)}.`,
    nextStep: TRY_AGAIN,
  }
}

export function hookTimeoutReason(timeoutMs: number): Reason {
  return {
    code: 'hook_timeout',
    message: `The steps that this site runs before each start were not finished within ${seconds(timeoutMs)}.`,
    nextStep: 'Try again; if it fails again, tell your administrator.',
    logTail: '',
  }
}

export function httpTimeoutReason(timeoutMs: number): Reason {
  return {
    code: 'http_timeout',
    message: `The server started but did not answer within ${seconds(timeoutMs)}.`,
    nextStep: LOOK_AT_LOG,
  }
}

export const hubRestarted: Reason = {
  code: 'hub_restarted',
  message: 'The hub was restarted while the server was starting.',
  nextStep: 'Start it again.',
}

export const notOurServer: Reason = {
  code: 'address_taken',
  message: 'Something else answers where the server should be.',
  nextStep: TRY_AGAIN,
}

export const speaksPlainly: Reason = {
  code: 'server_without_tls',
  message: 'The server does not speak TLS, which this hub asks of its servers.',
  nextStep:
    'Tell your administrator: the spawner has to place the certificates of internal TLS, or internalTls has to be off.',
}

export const stopFailed: Reason = {
  code: 'stop_failed',
  message: 'The server could not be stopped.',
  nextStep: 'Stop it again; if that does not help, tell your administrator.',
}

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
  return { code: 'spawn_error', message: 'The server could not be started.', nextStep: TRY_AGAIN }
}

/** Is there nothing in it that an administrator would have to look up in the log? */
export function isTold(error: unknown): boolean {
  return error instanceof SpawnError || error instanceof HubError
}

function seconds(ms: number): string {
  const value = Math.round(ms / 100) / 10
  return value === 1 ? '1 second' : `${value} seconds`
}
