/** Writes of a server's rows. Each happens under the lease of that server; see `spawn-lease.ts`. */
import type { Insertable, Updateable } from 'kysely'
import type { Reason } from '../core/reason.ts'
import type { Json } from '../core/runtime.ts'
import type { ServerState } from '../core/server-state.ts'
import { compiledQuery } from '../db/compiled-query.ts'
import type { Database, Db, DbTransaction } from '../db/database.ts'
import { toDbTime } from '../db/db-time.ts'
import type { Tables } from '../db/tables.ts'
import type { Address } from '../plugin/spawner.ts'
import { toAddressRow } from '../routing/server-target.ts'
import { addLine, addProgress, forgetEarlierProgress } from './progress-store.ts'
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
  if (options === undefined) await spawnerBegins(tx, spawnerId, at)
  else await spawnerBeginsWith(tx, spawnerId, at, JSON.stringify(options))
  await userActive(tx, server.userId, at)
  await writeRun(tx, spawnerId, {
    run_id: runId,
    phase: 'spawning',
    since: at,
    percent: 0,
    message: REQUESTED,
    ...NO_REASON,
    token_id: null,
  })
  await addLine(tx, { spawnerId, runId }, now, { percent: 0, message: REQUESTED })
  await forgetEarlierProgress(tx, spawnerId, runId)
}

const beginning = (db: Db, spawnerId: number, at: string) =>
  db
    .updateTable('spawners')
    .set({ started: at, last_activity: at, state: '{}', server_id: null })
    .where('id', '=', spawnerId)

const spawnerBegins = compiledQuery(beginning)
const spawnerBeginsWith = compiledQuery((db, spawnerId: number, at: string, options: string) =>
  beginning(db, spawnerId, at).set({ user_options: options }),
)

const userActive = compiledQuery((db, userId: number, at: string) =>
  db.updateTable('users').set({ last_activity: at }).where('id', '=', userId),
)

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
    const stopped = await stopRun(tx, server.spawnerId, set)
    if (stopped.length > 0) return true
    const [spawner] = await serverOf(tx, server.spawnerId)
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

const stopRun = compiledQuery((db, spawnerId: number, set: Updateable<Tables['orrery_runs']>) =>
  db
    .updateTable('orrery_runs')
    .set(set)
    .where('spawner_id', '=', spawnerId)
    .where('phase', 'in', ['spawning', 'ready'])
    .returning('spawner_id'),
)

const serverOf = compiledQuery((db, spawnerId: number) =>
  db.selectFrom('spawners').select('server_id').where('id', '=', spawnerId),
)

export async function saveState(tx: DbTransaction, spawnerId: number, state: Json): Promise<void> {
  await storeState(tx, spawnerId, JSON.stringify(state ?? {}))
}

const storeState = compiledQuery((db, spawnerId: number, state: string) =>
  db.updateTable('spawners').set({ state }).where('id', '=', spawnerId),
)

/** What a run was given, so that it can be taken back: the id of its token and its OAuth client. */
export async function saveCredentials(
  tx: DbTransaction,
  run: RunKey,
  { tokenId, oauthClientId }: { tokenId: number; oauthClientId: string },
): Promise<void> {
  await storeTokenId(tx, run.spawnerId, run.runId, tokenId)
  await storeOauthClient(tx, run.spawnerId, oauthClientId)
}

const storeTokenId = compiledQuery((db, spawnerId: number, runId: string, tokenId: number) =>
  db
    .updateTable('orrery_runs')
    .set({ token_id: tokenId })
    .where('spawner_id', '=', spawnerId)
    .where('run_id', '=', runId),
)

const storeOauthClient = compiledQuery((db, spawnerId: number, identifier: string) =>
  db.updateTable('spawners').set({ oauth_client_id: identifier }).where('id', '=', spawnerId),
)

/** The `servers` row: where the server listens. */
export async function saveAddress(
  tx: DbTransaction,
  spawnerId: number,
  address: Address,
  prefix: string,
): Promise<void> {
  const [server] = await insertServer(tx, { ...toAddressRow(address), base_url: prefix, cookie_name: 'cookie' })
  await storeServer(tx, spawnerId, server!.id) // what was inserted is given back
}

const insertServer = compiledQuery((db, columns: Insertable<Tables['servers']>) =>
  db.insertInto('servers').values(columns).returning('id'),
)

const storeServer = compiledQuery((db, spawnerId: number, serverId: number) =>
  db.updateTable('spawners').set({ server_id: serverId }).where('id', '=', spawnerId),
)

/** The end of a start that went well. Returns false, and writes nothing, when Stop was pressed meanwhile. */
export async function finishRun(tx: DbTransaction, run: RunKey, now: Date, message: string): Promise<boolean> {
  const [finished] = await becomesReady(tx, run.spawnerId, run.runId, toDbTime(now), message)
  if (!finished) return false
  await addLine(tx, run, now, { percent: 100, message })
  return true
}

const becomesReady = compiledQuery((db, spawnerId: number, runId: string, at: string, message: string) =>
  db
    .updateTable('orrery_runs')
    .set({ phase: 'ready', since: at, failures: 0, percent: 100, message, ...NO_REASON })
    .where('spawner_id', '=', spawnerId)
    .where('run_id', '=', runId)
    .where('phase', '=', 'spawning')
    .returning('run_id'),
)

export interface RunEnd {
  readonly phase: Extract<ServerState['phase'], 'stopped' | 'failed'>
  readonly reason: Reason | undefined
  /** Whether it counts as a failed start. */
  readonly failedStart: boolean
}

/** The last rows of a run, whose server is gone. */
export async function endRun(tx: DbTransaction, server: ServerRow, end: RunEnd, now: Date): Promise<void> {
  const at = toDbTime(now)
  await spawnerEnds(tx, server.spawnerId, at)
  if (server.serverId !== undefined) await deleteServer(tx, server.serverId)
  await userActive(tx, server.userId, at)
  await closeRun(tx, server, end, now)
}

const spawnerEnds = compiledQuery((db, spawnerId: number, at: string) =>
  db
    .updateTable('spawners')
    .set({ state: '{}', server_id: null, started: null, oauth_client_id: null, last_activity: at })
    .where('id', '=', spawnerId),
)

const deleteServer = compiledQuery((db, serverId: number) => db.deleteFrom('servers').where('id', '=', serverId))

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
  await updateRun(tx, spawnerId, {
    phase: end.phase,
    since: toDbTime(now),
    ...reasonColumns(end.reason),
    failures: end.failedStart ? run.failures + 1 : run.failures,
  })
}

const updateRun = compiledQuery(
  (
    db,
    spawnerId: number,
    columns: Pick<RunColumns, 'since' | 'failures' | ReasonColumn> & { phase: RunEnd['phase'] },
  ) => db.updateTable('orrery_runs').set(columns).where('spawner_id', '=', spawnerId),
)

const NO_REASON = { reason_code: null, reason_message: null, reason_next_step: null, log_tail: null }

function reasonColumns(reason: Reason | undefined) {
  return {
    reason_code: reason?.code ?? null,
    reason_message: reason?.message ?? null,
    reason_next_step: reason?.nextStep ?? null,
    log_tail: reason?.logTail ?? null,
  }
}

type ReasonColumn = keyof typeof NO_REASON

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
  await upsertRun(tx, spawnerId, columns)
}

const upsertRun = compiledQuery((db, spawnerId: number, columns: RunColumns) =>
  db
    .insertInto('orrery_runs')
    .values({ spawner_id: spawnerId, failures: 0, ...columns })
    .onConflict(conflict => conflict.column('spawner_id').doUpdateSet(columns)),
)
