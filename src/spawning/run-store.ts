/** Writes of a server's rows. Each happens under the lease of that server; see `spawn-lease.ts`. */
import type { Reason } from '../core/reason.ts'
import type { Json } from '../core/runtime.ts'
import type { ServerState } from '../core/server-state.ts'
import type { Database, DbTransaction } from '../db/database.ts'
import { toDbTime } from '../db/db-time.ts'
import type { Address } from '../plugin/spawner.ts'
import { toAddressRow } from '../routing/server-target.ts'
import { addProgress, forgetEarlierProgress } from './progress-store.ts'
import type { ServerRow } from './server-row.ts'

export interface RunKey {
  readonly spawnerId: number
  readonly runId: string
}

/** The first rows of a start: from here on every hub sees it as spawning. */
export async function beginRun(
  tx: DbTransaction,
  server: ServerRow,
  runId: string,
  options: Json | undefined,
  now: Date,
): Promise<void> {
  const at = toDbTime(now)
  const { spawnerId } = server
  await tx
    .updateTable('spawners')
    .set({ started: at, last_activity: at, state: '{}', server_id: null })
    .$if(options !== undefined, query => query.set({ user_options: JSON.stringify(options) }))
    .where('id', '=', spawnerId)
    .execute()
  await tx.updateTable('users').set({ last_activity: at }).where('id', '=', server.userId).execute()
  await writeRun(tx, spawnerId, {
    run_id: runId,
    phase: 'spawning',
    since: at,
    percent: 0,
    message: REQUESTED,
    ...NO_REASON,
    token_id: null,
  })
  await addProgress(tx, { spawnerId, runId }, now, { percent: 0, message: REQUESTED })
  await forgetEarlierProgress(tx, spawnerId, runId)
}

// JupyterHub's own first event.
const REQUESTED = 'Server requested'

/** A run for a server that is there already: the released JupyterHub started it, or both hubs took turns. */
export async function adoptRun(tx: DbTransaction, server: ServerRow, runId: string): Promise<void> {
  const since = server.started ?? toDbTime(new Date(0))
  await writeRun(tx, server.spawnerId, {
    run_id: runId,
    phase: 'ready',
    since,
    percent: 100,
    message: '',
    ...NO_REASON,
    failures: 0,
    token_id: null,
  })
}

/** Stop was asked for. Returns false when the server neither runs nor starts any more. */
export async function recordStop(
  database: Database,
  server: ServerRow,
  runId: string,
  reason: Reason,
  now: Date,
): Promise<boolean> {
  const set = { phase: 'stopping', since: toDbTime(now), ...reasonColumns(reason) } as const
  return database.db.transaction().execute(async tx => {
    const { numUpdatedRows } = await tx
      .updateTable('orrery_runs')
      .set(set)
      .where('spawner_id', '=', server.spawnerId)
      .where('phase', 'in', ['spawning', 'ready'])
      .executeTakeFirst()
    if (numUpdatedRows > 0n) return true
    const spawner = await tx
      .selectFrom('spawners')
      .select('server_id')
      .where('id', '=', server.spawnerId)
      .executeTakeFirst()
    if (!spawner || spawner.server_id === null) return false
    // It runs though our own table does not say so: the released JupyterHub started it, or an earlier stop failed.
    await writeRun(tx, server.spawnerId, {
      ...set,
      run_id: runId,
      percent: 100,
      message: '',
      token_id: server.run?.tokenId ?? null,
    })
    return true
  })
}

export async function saveState(tx: DbTransaction, spawnerId: number, state: Json): Promise<void> {
  await tx
    .updateTable('spawners')
    .set({ state: JSON.stringify(state ?? {}) })
    .where('id', '=', spawnerId)
    .execute()
}

export async function saveToken(tx: DbTransaction, run: RunKey, tokenId: number): Promise<void> {
  await tx
    .updateTable('orrery_runs')
    .set({ token_id: tokenId })
    .where('spawner_id', '=', run.spawnerId)
    .where('run_id', '=', run.runId)
    .execute()
}

export async function saveOauthClient(tx: DbTransaction, spawnerId: number, identifier: string): Promise<void> {
  await tx.updateTable('spawners').set({ oauth_client_id: identifier }).where('id', '=', spawnerId).execute()
}

/** The `servers` row: where the server listens. */
export async function saveAddress(
  tx: DbTransaction,
  spawnerId: number,
  address: Address,
  prefix: string,
): Promise<void> {
  const server = await tx
    .insertInto('servers')
    .values({ ...toAddressRow(address), base_url: prefix, cookie_name: 'cookie' })
    .returning('id')
    .executeTakeFirstOrThrow()
  await tx.updateTable('spawners').set({ server_id: server.id }).where('id', '=', spawnerId).execute()
}

/** The end of a start that went well. Returns false, and writes nothing, when Stop was pressed meanwhile. */
export async function finishRun(tx: DbTransaction, run: RunKey, now: Date, message: string): Promise<boolean> {
  const { numUpdatedRows } = await tx
    .updateTable('orrery_runs')
    .set({ phase: 'ready', since: toDbTime(now), failures: 0, ...NO_REASON })
    .where('spawner_id', '=', run.spawnerId)
    .where('run_id', '=', run.runId)
    .where('phase', '=', 'spawning')
    .executeTakeFirst()
  if (numUpdatedRows === 0n) return false
  await addProgress(tx, run, now, { percent: 100, message })
  return true
}

export interface RunEnd {
  readonly phase: Extract<ServerState['phase'], 'stopped' | 'failed'>
  readonly reason: Reason | undefined
  /** Whether it counts as a failed start. */
  readonly failedStart: boolean
}

/** The last rows of a run, whose server is gone. */
export async function endRun(tx: DbTransaction, server: ServerRow, end: RunEnd, now: Date): Promise<void> {
  const at = toDbTime(now)
  await tx
    .updateTable('spawners')
    .set({ state: '{}', server_id: null, started: null, oauth_client_id: null, last_activity: at })
    .where('id', '=', server.spawnerId)
    .execute()
  if (server.serverId !== undefined) await tx.deleteFrom('servers').where('id', '=', server.serverId).execute()
  await tx.updateTable('users').set({ last_activity: at }).where('id', '=', server.userId).execute()
  await closeRun(tx, server, end, now)
}

/** The end of a run alone: the server may still be there. */
export async function closeRun(tx: DbTransaction, server: ServerRow, end: RunEnd, now: Date): Promise<void> {
  const { run, spawnerId } = server
  if (!run) return
  if (run.percent < 100) {
    await addProgress(tx, { spawnerId, runId: run.runId }, now, {
      percent: run.percent,
      message: end.reason?.message ?? '',
    })
  }
  await tx
    .updateTable('orrery_runs')
    .set({
      phase: end.phase,
      since: toDbTime(now),
      ...reasonColumns(end.reason),
      failures: end.failedStart ? run.failures + 1 : run.failures,
    })
    .where('spawner_id', '=', spawnerId)
    .execute()
}

const NO_REASON = { reason_code: null, reason_message: null, reason_next_step: null, log_tail: null }

function reasonColumns(reason: Reason | undefined) {
  return {
    reason_code: reason?.code ?? null,
    reason_message: reason?.message ?? null,
    reason_next_step: reason?.nextStep ?? null,
    log_tail: reason?.logTail ?? null,
  }
}

type RunColumns = {
  run_id: string
  phase: 'spawning' | 'ready' | 'stopping'
  since: string
  percent: number
  message: string
  reason_code: string | null
  reason_message: string | null
  reason_next_step: string | null
  log_tail: string | null
  failures?: number
  token_id: number | null
}

async function writeRun(tx: DbTransaction, spawnerId: number, columns: RunColumns): Promise<void> {
  await tx
    .insertInto('orrery_runs')
    .values({ spawner_id: spawnerId, failures: 0, ...columns })
    .onConflict(conflict => conflict.column('spawner_id').doUpdateSet(columns))
    .execute()
}
