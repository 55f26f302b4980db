/** What a server printed, for the people who may read it: its end, or all of it without ever holding all of it. */
import { HubError } from '../core/errors.ts'
import { readableLog } from '../core/mask-secrets.ts'
import type { ServerKey } from '../core/server-key.ts'
import type { SpawningContext } from './context.ts'
import { findServer } from './server-row.ts'

/** What a spawner that tells no parts is asked for at once. */
const MOST_LINES = 10_000

export function keepsLogs({ spawner }: Pick<SpawningContext, 'spawner'>): boolean {
  return spawner.logs !== undefined || spawner.readLog !== undefined
}

/** The last lines; empty when there are none, or the spawner keeps none. */
export async function lastLinesOf(context: SpawningContext, key: ServerKey, lines: number): Promise<string> {
  const { spawner, closing } = context
  const state = (await findServer(context.database, key))?.state
  if (spawner.logs) return readableLog(await spawner.logs(key, state, lines))
  return (await spawner.readLog?.(key, state, { lines, whole: true }, closing))?.text ?? ''
}

/** The log of the latest run from its beginning, as far as it is kept. Ends at its present end. */
export async function* wholeLog(context: SpawningContext, key: ServerKey, signal: AbortSignal): AsyncIterable<string> {
  const { spawner } = context
  const state = (await findServer(context.database, key))?.state
  if (!spawner.readLog) {
    const text = await lastLinesOf(context, key, MOST_LINES)
    if (text !== '') yield text
    return
  }
  // What a server prints meanwhile must not make this endless.
  const { next: until } = await spawner.readLog(key, state, { lines: 0, whole: true }, signal)
  for (let after = ''; ; ) {
    const part = await spawner.readLog(key, state, { after, until, whole: true }, signal)
    if (part.text !== '') yield part.text
    if (part.isEnd || signal.aborted) return
    after = part.next
  }
}

export function noLogs(): HubError {
  return new HubError('no_server_log', {
    status: 404,
    message: 'The way servers are run here keeps no log of them.',
    nextStep: 'An administrator can look where the servers run: in the log of the scheduler or of the container.',
  })
}
