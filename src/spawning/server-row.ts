/** One server as the database knows it: user, spawner, address and latest run in one read. */
import type { Json } from '../core/runtime.ts'
import type { ServerKey } from '../core/server-key.ts'
import { activeSpawners } from '../db/active-spawners.ts'
import { compiledQuery } from '../db/compiled-query.ts'
import type { Database, Db, DbTransaction } from '../db/database.ts'
import type { Tables } from '../db/tables.ts'
import type { Address, UserRecord } from '../plugin/spawner.ts'
import { fromAddressRow } from '../routing/server-target.ts'

export interface ServerRow {
  readonly spawnerId: number
  readonly key: ServerKey
  readonly userId: number
  readonly admin: boolean
  readonly displayName: string
  /** Undefined unless a server of it runs, starts or stops. */
  readonly serverId: number | undefined
  readonly address: Address | undefined
  /** What the spawner wrote down; undefined when it is empty. */
  readonly state: Json | undefined
  readonly options: Json
  /** Database times. */
  readonly started: string | undefined
  readonly lastActivity: string | undefined
  /** Undefined when the released JupyterHub made this row and Orrery never started it. */
  readonly run: RunRow | undefined
}

export interface RunRow {
  readonly runId: string
  readonly phase: Tables['orrery_runs']['phase']
  /** Database time. */
  readonly since: string
  readonly percent: number
  readonly message: string
  readonly reasonCode: string | undefined
  readonly reasonMessage: string | undefined
  readonly reasonNextStep: string | undefined
  readonly logTail: string | undefined
  readonly failures: number
  readonly tokenId: number | undefined
}

type Reader = Database | { db: Db | DbTransaction }

export async function findServer({ db }: Reader, key: ServerKey): Promise<ServerRow | undefined> {
  const [row] = await serverByKey(db, key.user, key.server)
  return row && toServerRow(row)
}

export async function findServerById({ db }: Reader, spawnerId: number): Promise<ServerRow | undefined> {
  const [row] = await serverById(db, spawnerId)
  return row && toServerRow(row)
}

export async function serversOfUser({ db }: Reader, user: string): Promise<ServerRow[]> {
  return (await serversByUser(db, user)).map(toServerRow)
}

/** Servers of many users in one read, for lists. */
export async function serversOfUsers({ db }: Reader, userIds: readonly number[]): Promise<ServerRow[]> {
  if (userIds.length === 0) return []
  return (await serversByUserIds(db, userIds)).map(toServerRow)
}

/** Of these users, those that run, start or stop. */
export async function activeServersOfUsers({ db }: Reader, userIds: readonly number[]): Promise<ServerRow[]> {
  if (userIds.length === 0) return []
  return (await activeByUserIds(db, userIds)).map(toServerRow)
}

/** Those that exist of these rows of `spawners`, in one read. */
export async function serversById({ db }: Reader, spawnerIds: readonly number[]): Promise<ServerRow[]> {
  if (spawnerIds.length === 0) return []
  return (await serversByIds(db, spawnerIds)).map(toServerRow)
}

/** All that run, start or stop, as far as the database knows: those of the released JupyterHub too. */
export async function activeServers({ db }: Reader): Promise<ServerRow[]> {
  return (await serversAtWork(db)).map(toServerRow)
}

/** Starts and stops that somebody is, or should be, working on. */
export async function pendingServers({ db }: Reader): Promise<ServerRow[]> {
  return (await serversPending(db)).map(toServerRow)
}

/** Those whose state changed since then, and those that are changing. */
export async function recentServers({ db }: Reader, since: string): Promise<ServerRow[]> {
  return (await serversSince(db, since)).map(toServerRow)
}

/** How many of a user's servers run, start or stop. */
export async function activeServersOf(database: Reader, user: string): Promise<number> {
  const all = await serversOfUser(database, user)
  return all.filter(({ serverId, run }) => serverId !== undefined || isActivePhase(run?.phase)).length
}

function isActivePhase(phase: string | undefined): boolean {
  return ACTIVE_PHASES.some(active => active === phase)
}

const serverByKey = compiledQuery((db, user: string, server: string) =>
  servers(db).where('users.name', '=', user).where('spawners.name', '=', server),
)

const serverById = compiledQuery((db, spawnerId: number) => servers(db).where('spawners.id', '=', spawnerId))

const serversByUser = compiledQuery((db, user: string) =>
  servers(db).where('users.name', '=', user).orderBy('spawners.name'),
)

const serversByUserIds = compiledQuery((db, ids: readonly number[]) =>
  servers(db).where('users.id', 'in', ids).orderBy('spawners.name'),
)

const activeByUserIds = compiledQuery((db, ids: readonly number[]) =>
  servers(db)
    .where('spawners.user_id', 'in', ids)
    .where(where =>
      where.or([where('spawners.server_id', 'is not', null), where('run.phase', 'in', ['spawning', 'stopping'])]),
    )
    .orderBy('spawners.name'),
)

const serversByIds = compiledQuery((db, ids: readonly number[]) => servers(db).where('spawners.id', 'in', ids))

const serversAtWork = compiledQuery(db =>
  servers(db).where('spawners.id', 'in', activeSpawners(db, ACTIVE_PHASES)).orderBy('spawners.id'),
)

const serversPending = compiledQuery(db =>
  servers(db).where('run.phase', 'in', ['spawning', 'stopping']).orderBy('spawners.id'),
)

const serversSince = compiledQuery((db, since: string) =>
  servers(db).where(where =>
    where.or([where('run.phase', 'in', ['spawning', 'stopping']), where('run.since', '>=', since)]),
  ),
)

const ACTIVE_PHASES = ['spawning', 'ready', 'stopping'] as const

function servers(db: Db) {
  return db
    .selectFrom('spawners')
    .innerJoin('users', 'users.id', 'spawners.user_id')
    .leftJoin('servers', 'servers.id', 'spawners.server_id')
    .leftJoin('orrery_runs as run', 'run.spawner_id', 'spawners.id')
    .select(['spawners.id', 'spawners.name', 'spawners.state', 'spawners.display_name', 'spawners.started'])
    .select(['spawners.last_activity', 'spawners.user_options', 'spawners.server_id'])
    .select(['users.id as user_id', 'users.name as user_name', 'users.admin'])
    .select(['servers.proto', 'servers.ip', 'servers.port'])
    .select(['run.run_id', 'run.phase', 'run.since', 'run.percent', 'run.message', 'run.reason_code'])
    .select(['run.reason_message', 'run.reason_next_step', 'run.log_tail', 'run.failures', 'run.token_id'])
}

type Selected = Awaited<ReturnType<ReturnType<typeof servers>['execute']>>[number]

function toServerRow(row: Selected): ServerRow {
  return {
    spawnerId: row.id,
    key: { user: row.user_name, server: row.name },
    userId: row.user_id,
    admin: row.admin,
    displayName: row.display_name ?? '',
    serverId: row.server_id ?? undefined,
    address: row.proto === null ? undefined : fromAddressRow({ proto: row.proto, ip: row.ip!, port: row.port! }), // one row of servers
    state: parseState(row.state),
    options: (JSON.parse(row.user_options ?? '{}') as Json) ?? {}, // JSON is Json
    started: row.started ?? undefined,
    lastActivity: row.last_activity ?? undefined,
    run: row.run_id === null ? undefined : toRunRow(row),
  }
}

function toRunRow(row: Selected): RunRow {
  return {
    runId: row.run_id!, // the joined row exists: the caller has looked
    phase: row.phase!,
    since: row.since!,
    percent: row.percent!,
    message: row.message!,
    reasonCode: row.reason_code ?? undefined,
    reasonMessage: row.reason_message ?? undefined,
    reasonNextStep: row.reason_next_step ?? undefined,
    logTail: row.log_tail ?? undefined,
    failures: row.failures!,
    tokenId: row.token_id ?? undefined,
  }
}

function parseState(text: string | null): Json | undefined {
  const state = text === null ? null : (JSON.parse(text) as Json) // JSON is Json
  const isEmpty = state === null || (typeof state === 'object' && Object.keys(state).length === 0)
  return isEmpty ? undefined : state
}

export async function userRecord(database: Reader, name: string): Promise<UserRecord | undefined> {
  const [user] = await userByName(database.db, name)
  if (!user) return undefined
  const groups = await groupsOfUser(database.db, user.id)
  return { ...user, groups: groups.map(group => group.name) }
}

const userByName = compiledQuery((db, name: string) =>
  db.selectFrom('users').select(['id', 'name', 'admin']).where('name', '=', name),
)

const groupsOfUser = compiledQuery((db, userId: number) =>
  db
    .selectFrom('user_group_map')
    .innerJoin('groups', 'groups.id', 'user_group_map.group_id')
    .select('groups.name')
    .where('user_group_map.user_id', '=', userId)
    .orderBy('groups.name'),
)
