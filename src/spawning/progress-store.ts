/** The story of a start, line by line, in the database: every hub can tell it. */
import type { Insertable } from 'kysely'
import type { Reason } from '../core/reason.ts'
import type { ProgressEvent } from '../core/server-state.ts'
import { compiledQuery } from '../db/compiled-query.ts'
import type { Database, DbTransaction } from '../db/database.ts'
import { fromDbTime, toDbTime } from '../db/db-time.ts'
import type { Tables } from '../db/tables.ts'

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
  await addLine(tx, run, at, line)
  await updateRun(tx, run.spawnerId, run.runId, line.percent, line.message)
}

/** As `addProgress`, where the caller writes the run itself. */
export async function addLine(
  tx: DbTransaction,
  run: { spawnerId: number; runId: string },
  at: Date,
  { percent, message, htmlMessage, rawEvent }: ProgressLine,
): Promise<void> {
  await insertLine(tx, {
    spawner_id: run.spawnerId,
    run_id: run.runId,
    at: toDbTime(at),
    percent,
    message,
    html_message: htmlMessage ?? null,
    raw_event: rawEvent === undefined ? null : JSON.stringify(rawEvent),
  })
}

const insertLine = compiledQuery((db, columns: Insertable<Tables['orrery_progress']>) =>
  db.insertInto('orrery_progress').values(columns),
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
  await deleteLinesOfOthers(tx, spawnerId, runId)
}

const deleteLinesOfOthers = compiledQuery((db, spawnerId: number, runId: string) =>
  db.deleteFrom('orrery_progress').where('spawner_id', '=', spawnerId).where('run_id', '!=', runId),
)

export async function readProgress(
  database: Database,
  run: { spawnerId: number; runId: string },
  afterId: number,
): Promise<ProgressEvent[]> {
  const rows = await linesAfter(database.db, run.spawnerId, run.runId, afterId)
  return rows.map(row => ({
    id: row.id,
    at: fromDbTime(row.at),
    percent: row.percent,
    message: row.message,
    ...(row.html_message !== null && { htmlMessage: row.html_message }),
    ...(row.raw_event !== null && { rawEvent: JSON.parse(row.raw_event) as unknown }),
  }))
}

const linesAfter = compiledQuery((db, spawnerId: number, runId: string, afterId: number) =>
  db
    .selectFrom('orrery_progress')
    .selectAll()
    .where('spawner_id', '=', spawnerId)
    .where('run_id', '=', runId)
    .where('id', '>', afterId)
    .orderBy('id'),
)

/** The last line, marked with how the start ended. */
export function finalEvent(event: ProgressEvent, end: { ready: true } | { failed: Reason }): ProgressEvent {
  return 'ready' in end ? { ...event, ready: true } : { ...event, failed: true, reason: end.failed }
}
