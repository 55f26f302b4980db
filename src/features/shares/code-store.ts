/** The table `share_codes`: codes that whoever has one exchanges for a share. Kept hashed, as tokens are. */
import { randomBytes } from 'node:crypto'
import { jsonList } from '../../access/owners.ts'
import { hashToken, MAX_TOKEN_LENGTH, tokenPrefix, verifyToken } from '../../access/token-format.ts'
import type { ServerKey } from '../../core/server-key.ts'
import type { Db } from '../../db/database.ts'
import type { Page } from '../../http/pagination.ts'
import { heldToServer } from './share-scopes.ts'

export interface ShareCodeRow {
  readonly id: number
  readonly spawnerId: number
  readonly ownerId: number
  readonly server: ServerKey
  readonly scopes: readonly string[]
  /** Database times. */
  readonly createdAt: string
  readonly expiresAt: string | null
  readonly exchangeCount: number
  readonly lastExchangedAt: string | null
}

export type CodeFilter = { ownerId: number } | { spawnerId: number }

/** One page in the order of making and how many there are; `now` is a database time, what has run out is left out. */
export async function listCodes(
  db: Db,
  filter: CodeFilter,
  page: Page,
  now: string,
): Promise<{ rows: ShareCodeRow[]; total: number }> {
  const valid = validCodes(db, now)
  const matching =
    'ownerId' in filter
      ? valid.where('share_codes.owner_id', '=', filter.ownerId)
      : valid.where('share_codes.spawner_id', '=', filter.spawnerId)
  const [rows, count] = await Promise.all([
    withNames(matching).orderBy('share_codes.id').offset(page.offset).limit(page.limit).execute(),
    matching.select(({ fn }) => fn.countAll<number | string>().as('total')).executeTakeFirstOrThrow(),
  ])
  return { rows: rows.map(toCodeRow), total: Number(count.total) }
}

/** Finds what a code opens among those that have not run out. */
export async function findCode(db: Db, code: string, now: string): Promise<ShareCodeRow | undefined> {
  if (code.length > MAX_TOKEN_LENGTH) return undefined
  const rows = await withNames(validCodes(db, now)).where('share_codes.prefix', '=', tokenPrefix(code)).execute()
  const row = rows.find(({ hashed }) => verifyToken(hashed, code))
  return row && toCodeRow(row)
}

export async function findCodeById(db: Db, id: number): Promise<ShareCodeRow | undefined> {
  const row = await withNames(db.selectFrom('share_codes')).where('share_codes.id', '=', id).executeTakeFirst()
  return row && toCodeRow(row)
}

/** The only time the code itself can be seen: 43 characters that an address can hold. */
export async function insertCode(
  db: Db,
  wanted: { spawnerId: number; ownerId: number; scopes: readonly string[]; createdAt: string; expiresAt: string },
): Promise<{ id: number; code: string }> {
  const code = randomBytes(32).toString('base64url')
  const { id } = await db
    .insertInto('share_codes')
    .values({
      ...hashToken(code),
      exchange_count: 0,
      last_exchanged_at: null,
      created_at: wanted.createdAt,
      scopes: JSON.stringify(wanted.scopes),
      expires_at: wanted.expiresAt,
      owner_id: wanted.ownerId,
      spawner_id: wanted.spawnerId,
    })
    .returning('id')
    .executeTakeFirstOrThrow()
  return { id, code }
}

/** Counts one exchange. False when the code was revoked meanwhile. */
export async function countExchange(db: Db, id: number, now: string): Promise<boolean> {
  const { numUpdatedRows } = await db
    .updateTable('share_codes')
    .set(({ eb }) => ({ exchange_count: eb('exchange_count', '+', 1), last_exchanged_at: now }))
    .where('id', '=', id)
    .executeTakeFirst()
  return numUpdatedRows > 0n
}

/** All codes of a server, or one of them. Returns how many. */
export async function deleteCodes(db: Db, spawnerId: number, id?: number): Promise<number> {
  const { numDeletedRows } = await db
    .deleteFrom('share_codes')
    .where('spawner_id', '=', spawnerId)
    .$if(id !== undefined, query => query.where('id', '=', id!)) // just asked
    .executeTakeFirst()
  return Number(numDeletedRows)
}

function validCodes(db: Db, now: string) {
  return db
    .selectFrom('share_codes')
    .where(where => where.or([where('share_codes.expires_at', 'is', null), where('share_codes.expires_at', '>=', now)]))
}

function withNames(codes: ReturnType<typeof validCodes>) {
  return codes
    .innerJoin('spawners', 'spawners.id', 'share_codes.spawner_id')
    .innerJoin('users as owner', 'owner.id', 'spawners.user_id')
    .select(['share_codes.id', 'share_codes.spawner_id', 'share_codes.owner_id', 'share_codes.hashed'])
    .select(['share_codes.scopes', 'share_codes.created_at', 'share_codes.expires_at'])
    .select(['share_codes.exchange_count', 'share_codes.last_exchanged_at'])
    .select(['owner.name as owner', 'spawners.name as server'])
}

function toCodeRow(row: Awaited<ReturnType<ReturnType<typeof withNames>['execute']>>[number]): ShareCodeRow {
  const server = { user: row.owner, server: row.server }
  return {
    id: row.id,
    spawnerId: row.spawner_id,
    ownerId: row.owner_id,
    server,
    scopes: heldToServer(jsonList(row.scopes), server),
    createdAt: row.created_at,
    expiresAt: row.expires_at,
    exchangeCount: row.exchange_count,
    lastExchangedAt: row.last_exchanged_at,
  }
}
