/** The table `shares`: who may use which server of somebody else. */
import { jsonList } from '../../access/owners.ts'
import type { ServerKey } from '../../core/server-key.ts'
import type { Db } from '../../db/database.ts'
import type { Page } from '../../http/pagination.ts'
import { heldToServer } from './share-scopes.ts'

export interface ShareRow {
  readonly id: number
  readonly spawnerId: number
  readonly server: ServerKey
  /** One of the two is there. */
  readonly user: string | undefined
  readonly group: string | undefined
  readonly scopes: readonly string[]
  /** Database time. */
  readonly createdAt: string
}

/** Whom something is shared with. */
export type ShareWith = { readonly userId: number } | { readonly groupId: number }

/** Which shares: of all servers of an owner, of one server, with a group, with a user and the groups they are in. */
export type ShareFilter = { ownerId: number } | { spawnerId: number } | { groupId: number } | { receiverId: number }

/** One page in the order of making and how many there are; `now` is a database time, what has run out is left out. */
export async function listShares(
  db: Db,
  filter: ShareFilter,
  page: Page,
  now: string,
): Promise<{ rows: ShareRow[]; total: number }> {
  const matching = matchingShares(db, filter, now)
  const [rows, count] = await Promise.all([
    withNames(matching).orderBy('shares.id').offset(page.offset).limit(page.limit).execute(),
    matching.select(({ fn }) => fn.countAll<number | string>().as('total')).executeTakeFirstOrThrow(),
  ])
  return { rows: rows.map(toShareRow), total: Number(count.total) }
}

export async function findShare(
  db: Db,
  spawnerId: number,
  sharedWith: ShareWith,
  now: string,
): Promise<ShareRow | undefined> {
  const { column, id } = receiver(sharedWith)
  const row = await withNames(matchingShares(db, { spawnerId }, now))
    .where(column, '=', id)
    .orderBy('shares.id')
    .executeTakeFirst()
  return row && toShareRow(row)
}

export async function insertShare(
  db: Db,
  share: { spawnerId: number; ownerId: number; with: ShareWith; scopes: readonly string[]; now: string },
): Promise<void> {
  await db
    .insertInto('shares')
    .values({
      user_id: 'userId' in share.with ? share.with.userId : null,
      group_id: 'groupId' in share.with ? share.with.groupId : null,
      created_at: share.now,
      scopes: JSON.stringify(share.scopes),
      expires_at: null,
      owner_id: share.ownerId,
      spawner_id: share.spawnerId,
    })
    .execute()
}

export async function setScopes(db: Db, id: number, scopes: readonly string[]): Promise<void> {
  await db
    .updateTable('shares')
    .set({ scopes: JSON.stringify(scopes) })
    .where('id', '=', id)
    .execute()
}

/** All shares of a server, or those with one receiver. Returns how many. */
export async function deleteShares(db: Db, spawnerId: number, sharedWith?: ShareWith): Promise<number> {
  const all = db.deleteFrom('shares').where('spawner_id', '=', spawnerId)
  const chosen = sharedWith === undefined ? undefined : receiver(sharedWith)
  const { numDeletedRows } = await (chosen ? all.where(chosen.column, '=', chosen.id) : all).executeTakeFirst()
  return Number(numDeletedRows)
}

/**
 * Nothing in the table keeps a server from being shared twice with the same user, so whoever changes its shares takes
 * its row first. SQLite has one writer at a time anyway.
 */
export async function lockServer(tx: Db, dialect: 'sqlite' | 'postgres', spawnerId: number): Promise<void> {
  if (dialect === 'sqlite') return
  await tx.selectFrom('spawners').select('id').where('id', '=', spawnerId).forUpdate().execute()
}

function matchingShares(db: Db, filter: ShareFilter, now: string) {
  const shares = db
    .selectFrom('shares')
    .where(where => where.or([where('shares.expires_at', 'is', null), where('shares.expires_at', '>=', now)]))
  if ('ownerId' in filter) return shares.where('shares.owner_id', '=', filter.ownerId)
  if ('spawnerId' in filter) return shares.where('shares.spawner_id', '=', filter.spawnerId)
  if ('groupId' in filter) return shares.where('shares.group_id', '=', filter.groupId)
  const groups = db.selectFrom('user_group_map').select('group_id').where('user_id', '=', filter.receiverId)
  return shares.where(where =>
    where.or([where('shares.user_id', '=', filter.receiverId), where('shares.group_id', 'in', groups)]),
  )
}

function withNames(shares: ReturnType<typeof matchingShares>) {
  return shares
    .innerJoin('spawners', 'spawners.id', 'shares.spawner_id')
    .innerJoin('users as owner', 'owner.id', 'spawners.user_id')
    .leftJoin('users as receiver', 'receiver.id', 'shares.user_id')
    .leftJoin('groups', 'groups.id', 'shares.group_id')
    .select(['shares.id', 'shares.spawner_id', 'shares.scopes', 'shares.created_at'])
    .select(['owner.name as owner', 'spawners.name as server', 'receiver.name as user', 'groups.name as group'])
}

function receiver(sharedWith: ShareWith) {
  return 'userId' in sharedWith
    ? ({ column: 'shares.user_id', id: sharedWith.userId } as const)
    : ({ column: 'shares.group_id', id: sharedWith.groupId } as const)
}

function toShareRow(row: Awaited<ReturnType<ReturnType<typeof withNames>['execute']>>[number]): ShareRow {
  const server = { user: row.owner, server: row.server }
  return {
    id: row.id,
    spawnerId: row.spawner_id,
    server,
    user: row.user ?? undefined,
    group: row.group ?? undefined,
    scopes: heldToServer(jsonList(row.scopes), server),
    createdAt: row.created_at,
  }
}
