import { sql } from 'kysely'
import type { ScopeReach } from '../../core/scopes/types.ts'
import { compiledQuery } from '../../db/compiled-query.ts'
import type { Db } from '../../db/database.ts'

export interface UserQuery {
  readonly state: 'active' | 'ready' | 'inactive' | undefined
  /** Part of the name, upper and lower case alike. */
  readonly nameFilter: string | undefined
  /** Only members of this group. Not in JupyterHub. */
  readonly group?: string | undefined
  /** Only administrators, or only others. Not in JupyterHub. */
  readonly admin?: boolean | undefined
  readonly sort: 'id' | 'name' | 'last_activity'
  readonly descending: boolean
  readonly offset: number
  readonly limit: number
  /** Only those that the caller may list. */
  readonly reach: ScopeReach
  /** Absent: yes. */
  readonly counted?: boolean
}

export interface UserRow {
  readonly id: number
  readonly name: string
  readonly admin: boolean
  readonly user_info: string | null
  readonly created: string | null
  readonly last_activity: string | null
}

export const USER_COLUMNS = ['id', 'name', 'admin', 'user_info', 'created', 'last_activity'] as const

/** One page of users and how many there are in all (0 when not counted): two reads, however many users. */
export async function listUsers(db: Db, query: UserQuery): Promise<{ rows: UserRow[]; total: number }> {
  const matching = matchingUsers(db, query)
  const { reach, state, nameFilter, group, admin } = query
  const isPlain = reach === 'all' && !state && !nameFilter && group === undefined && admin === undefined
  const [rows, count] = await Promise.all([
    isPlain
      ? pages[query.sort][query.descending ? 'descending' : 'ascending'](db, query.limit, query.offset)
      : ordered(matching, query).select(USER_COLUMNS).offset(query.offset).limit(query.limit).execute(),
    query.counted === false
      ? undefined
      : matching.select(({ fn }) => fn.countAll<number | string>().as('total')).executeTakeFirstOrThrow(),
  ])
  return { rows, total: Number(count?.total ?? 0) }
}

/** What administrators and their programs turn over page by page. */
const pages = { id: pagesBy('id'), name: pagesBy('name'), last_activity: pagesBy('last_activity') }

function pagesBy(sort: UserQuery['sort']) {
  const inOrder = (descending: boolean) =>
    compiledQuery((db, limit: number, offset: number) =>
      ordered(db.selectFrom('users'), { sort, descending }).select(USER_COLUMNS).limit(limit).offset(offset),
    )
  return { ascending: inOrder(false), descending: inOrder(true) }
}

function matchingUsers(db: Db, { state, nameFilter, group, admin, reach }: UserQuery) {
  let users = db.selectFrom('users')
  if (state === 'active') users = users.where('id', 'in', usersWithServers(db, 'active'))
  if (state === 'ready') users = users.where('id', 'in', usersWithServers(db, 'ready'))
  if (state === 'inactive') users = users.where('id', 'not in', usersWithServers(db, 'active'))
  if (nameFilter) users = users.where(sql<boolean>`lower(name) like ${containing(nameFilter)} escape '\\'`)
  if (group !== undefined) users = users.where('id', 'in', membersOf(db, [group]))
  if (admin !== undefined) users = users.where('admin', '=', admin)
  if (reach === 'all') return users
  return users.where(where =>
    where.or([where('name', 'in', listOf(reach.user)), where('id', 'in', membersOf(db, listOf(reach.group)))]),
  )
}

/**
 * Users with any server that runs, starts or stops. JupyterHub gives a server an address when its start begins, Orrery
 * when it is known; so what is pending is looked up in our own table.
 */
function usersWithServers(db: Db, state: 'active' | 'ready') {
  const withAddress = db.selectFrom('spawners').select('spawners.user_id').where('server_id', 'is not', null)
  if (state === 'active') {
    const pending = db
      .selectFrom('orrery_runs as run')
      .innerJoin('spawners', 'spawners.id', 'run.spawner_id')
      .select('spawners.user_id')
      .where('run.phase', 'in', ['spawning', 'stopping'])
    // Two questions with an index each; with OR between them every server that ever was would be looked at.
    return withAddress.union(pending)
  }
  return withAddress
    .leftJoin('orrery_runs as run', 'run.spawner_id', 'spawners.id')
    .where(where => where.or([where('run.phase', 'is', null), where('run.phase', 'not in', ['spawning', 'stopping'])]))
}

function membersOf(db: Db, groups: readonly string[]) {
  return db
    .selectFrom('user_group_map')
    .innerJoin('groups', 'groups.id', 'user_group_map.group_id')
    .where('groups.name', 'in', groups)
    .select('user_group_map.user_id')
}

/** Databases disagree where NULL sorts; users never seen come first, or last when descending. */
function ordered(
  users: ReturnType<typeof matchingUsers>,
  { sort, descending }: Pick<UserQuery, 'sort' | 'descending'>,
) {
  const direction = descending ? 'desc' : 'asc'
  // These two are never NULL, and have an index that a longer order would not use.
  if (sort === 'id' || sort === 'name') return users.orderBy(sort, direction)
  return users
    .orderBy(sql`case when ${sql.ref(sort)} is null then 0 else 1 end`, direction)
    .orderBy(sort, direction)
    .orderBy('id', direction)
}

function containing(text: string): string {
  return `%${text.toLowerCase().replace(/[\\%_]/g, char => `\\${char}`)}%`
}

/** `in ()` is no SQL; the empty name belongs to nobody. */
function listOf(names: ReadonlySet<string> | undefined): string[] {
  return names && names.size > 0 ? [...names] : ['']
}
