/** The story of a start, line by line, in the database: every hub can tell it. */
import type { Reason } from '../core/reason.ts'
import type { ProgressEvent } from '../core/server-state.ts'
import { compiledQuery } from '../db/compiled-query.ts'
import type { Database, DbTransaction } from '../db/database.ts'
import { fromDbTime, toDbTime } from '../db/db-time.ts'

export interface ProgressLine {
  readonly percent: number
  readonly message: string
  readonly htmlMessage?: string
  readonly rawEvent?: unknown
}

/** Adds a line and makes it what the run says of itself. Percentages never go back. */
export async function addProgress(
  tx: DbTransaction,
  run: { spawnerId: number; runId: string },
  at: Date,
  line: ProgressLine,
): Promise<void> {
  const { percent, message, htmlMessage = null, rawEvent } = line
  const rawJson = rawEvent === undefined ? null : JSON.stringify(rawEvent)
  await insertLine(tx, run.spawnerId, run.runId, toDbTime(at), percent, message, htmlMessage, rawJson)
  await updateRun(tx, run.spawnerId, run.runId, percent, message)
}

const insertLine = compiledQuery(
  (
    db,
    spawnerId: number,
    runId: string,
    at: string,
    percent: number,
    message: string,
    htmlMessage: string | null,
    rawEvent: string | null,
  ) =>
    db.insertInto('orrery_progress').values({
      spawner_id: spawnerId,
      run_id: runId,
      at,
      percent,
      message,
      html_message: htmlMessage,
      raw_event: rawEvent,
    }),
)

const updateRun = compiledQuery((db, spawnerId: number, runId: string, percent: number, message: string) =>
  db
    .updateTable('orrery_runs')
    .set({ percent, message })
    .where('spawner_id', '=', spawnerId)
    .where('run_id', '=', runId),
)

/** Lines of earlier runs. Called after the first line of the new run is in, so that ids go on growing. */
export async function forgetEarlierProgress(tx: DbTransaction, spawnerId: number, runId: string): Promise<void> {
  await tx.deleteFrom('orrery_progress').where('spawner_id', '=', spawnerId).where('run_id', '!=', runId).execute()
}

export async function readProgress(
  database: Database,
  run: { spawnerId: number; runId: string },
  afterId: number,
): Promise<ProgressEvent[]> {
  const rows = await database.db
    .selectFrom('orrery_progress')
    .selectAll()
    .where('spawner_id', '=', run.spawnerId)
    .where('run_id', '=', run.runId)
    .where('id', '>', afterId)
    .orderBy('id')
    .execute()
  return rows.map(row => ({
    id: row.id,
    at: fromDbTime(row.at),
    percent: row.percent,
    message: row.message,
    ...(row.html_message !== null && { htmlMessage: row.html_message }),
    ...(row.raw_event !== null && { rawEvent: JSON.parse(row.raw_event) as unknown }),
  }))
}

/** The last line, marked with how the start ended. */
export function finalEvent(event: ProgressEvent, end: { ready: true } | { failed: Reason }): ProgressEvent {
  return 'ready' in end ? { ...event, ready: true } : { ...event, failed: true, reason: end.failed }
}
