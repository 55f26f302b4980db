/** From rows to what people and programs are told: the phase of a server, and its reason. */
import { serverPath } from '../core/names.ts'
import type { Reason } from '../core/reason.ts'
import type { ServerState } from '../core/server-state.ts'
import { fromDbTime } from '../db/db-time.ts'
import type { RunRow, ServerRow } from './server-row.ts'

/** `url` of a ready server is its path below the public address. */
export function serverState(row: ServerRow | undefined, baseUrl: string): ServerState {
  if (!row) return { phase: 'stopped' }
  const { run, serverId } = row
  const since = fromDbTime(run?.since ?? row.started ?? '1970-01-01 00:00:00')
  if (run?.phase === 'spawning') return { phase: 'spawning', since, percent: run.percent, message: run.message }
  if (run?.phase === 'stopping') return { phase: 'stopping', since }
  // JupyterHub and Orrery may take turns on one database: the address, which both write, decides over our own table.
  if (serverId !== undefined && run?.reasonCode !== 'stop_failed') {
    return { phase: 'ready', since, url: serverPath(row.key, baseUrl) }
  }
  const reason = run && runReason(run)
  if (run?.phase === 'failed' && reason) return { phase: 'failed', since, reason }
  return { phase: 'stopped', ...(run && { since }), ...(reason && { reason }) }
}

export function runReason(run: RunRow): Reason | undefined {
  if (run.reasonCode === undefined) return undefined
  return {
    code: run.reasonCode,
    message: run.reasonMessage ?? '',
    ...(run.reasonNextStep !== undefined && { nextStep: run.reasonNextStep }),
    ...(run.logTail !== undefined && { logTail: run.logTail }),
  }
}

/** Did the latest start fail, as opposed to a server that ran and ended later? */
export function isFailedStart(run: RunRow | undefined): boolean {
  return run?.phase === 'failed' && run.percent < 100
}
