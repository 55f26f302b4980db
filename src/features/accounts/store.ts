import { type RawBuilder, type Selectable, sql } from 'kysely'
import type { Clock } from '../../core/runtime.ts'
import { systemClock } from '../../core/runtime.ts'
import type { Database } from '../../db/database.ts'
import { fromDbTime, toDbTime } from '../../db/db-time.ts'
import type { Tables } from '../../db/tables.ts'
import type { Account, AccountStore } from '../../plugin/account-store.ts'
import { legacyAccounts } from './legacy-accounts.ts'

/**
 * Own accounts in `orrery_accounts`, and behind it NativeAuthenticator's `users_info`: a name that is in both counts as
 * it stands in `orrery_accounts`. A password that is set goes to `orrery_accounts`; the old row stays, so that a site
 * can go back to JupyterHub.
 */
export function sqlAccountStore(database: Pick<Database, 'db' | 'dialect'>, clock: Clock = systemClock): AccountStore {
  const { db } = database
  const legacy = legacyAccounts(database)
  return { find, add, setPassword, approve, withdrawApproval, remove, list }

  async function find(name: string): Promise<Account | undefined> {
    if (!isStorable(name)) return undefined
    const row = await db.selectFrom('orrery_accounts').selectAll().where('name', '=', name).executeTakeFirst()
    return row ? toAccount(row) : legacy.find(name)
  }

  async function add(account: Parameters<AccountStore['add']>[0]): Promise<boolean> {
    if (!isStorable(account.name)) throw new RangeError('not a name for an account')
    if (await legacy.find(account.name)) return false
    const { numInsertedOrUpdatedRows } = await db
      .insertInto('orrery_accounts')
      .values({
        name: account.name,
        password_hash: account.passwordHash,
        approved: account.approved,
        email: account.email ?? null,
        must_change: account.mustChange ?? false,
        created: toDbTime(clock.now()),
      })
      .onConflict(conflict => conflict.column('name').doNothing())
      .executeTakeFirst()
    return numInsertedOrUpdatedRows === 1n
  }

  async function setPassword(name: string, passwordHash: string, options: { mustChange?: boolean } = {}) {
    const changed = { password_hash: passwordHash, must_change: options.mustChange ?? false }
    if (await update(name, changed)) return true
    const old = await legacy.find(name)
    if (!old) return false
    await db
      .insertInto('orrery_accounts')
      .values({
        ...changed,
        name,
        approved: old.approved,
        email: old.email ?? null,
        created: toDbTime(clock.now()),
      })
      .onConflict(conflict => conflict.column('name').doUpdateSet(changed))
      .execute()
    return true
  }

  async function approve(name: string, by: string): Promise<boolean> {
    return setApproved(name, true, by)
  }

  async function withdrawApproval(name: string, by: string): Promise<boolean> {
    return setApproved(name, false, by)
  }

  async function setApproved(name: string, approved: boolean, by: string): Promise<boolean> {
    if (!isStorable(name)) return false
    const own = await update(name, { approved, approved_by: by, approved_at: toDbTime(clock.now()) })
    // In both tables, or a site that goes back would let in whom it had turned away.
    const old = await legacy.setApproved(name, approved)
    return own || old
  }

  async function remove(name: string): Promise<boolean> {
    if (!isStorable(name)) return false
    const { numDeletedRows } = await db.deleteFrom('orrery_accounts').where('name', '=', name).executeTakeFirst()
    const old = await legacy.remove(name)
    return numDeletedRows > 0n || old
  }

  async function list(page: Parameters<AccountStore['list']>[0]): Promise<{ accounts: Account[]; total: number }> {
    const from = sql`(${allAccounts(await legacy.exist())}) accounts ${filter(page)}`
    const { rows } = await sql<AccountRow>`select * from ${from}
      order by approved, name limit ${page.limit} offset ${page.offset}`.execute(db)
    const { rows: counts } = await sql<{ total: number }>`select count(*) as total from ${from}`.execute(db)
    return { accounts: rows.map(toAccount), total: counts[0]!.total }
  }

  async function update(name: string, values: Partial<AccountRow>): Promise<boolean> {
    const { numUpdatedRows } = await db
      .updateTable('orrery_accounts')
      .set(values)
      .where('name', '=', name)
      .executeTakeFirst()
    return numUpdatedRows > 0n
  }
}

type AccountRow = Selectable<Tables['orrery_accounts']>

function allAccounts(withLegacy: boolean): RawBuilder<unknown> {
  const own = sql`select name, password_hash, approved, email, must_change, created from orrery_accounts`
  if (!withLegacy) return own
  return sql`${own} union all
    select lower(username), null, is_authorized, email, cast(null as boolean), null from users_info
    where not exists (select 1 from orrery_accounts where orrery_accounts.name = lower(users_info.username))`
}

function filter({ search, approved }: { search?: string; approved?: boolean }): RawBuilder<unknown> {
  const pattern = `%${(search ?? '')
    .replaceAll('\0', '')
    .toLowerCase()
    .replace(/[\\%_]/g, '\\$&')}%`
  const matches = sql`where (lower(name) like ${pattern} escape '\\' or lower(coalesce(email, '')) like ${pattern} escape '\\')`
  return approved === undefined ? matches : sql`${matches} and approved = ${approved}`
}

/** PostgreSQL fails on a NUL, and no column is longer; such a name cannot be an account's. */
function isStorable(name: string): boolean {
  return name.length <= 255 && !name.includes('\0')
}

/** `password_hash` is null for a legacy row of a list: its bytes are of no use there. */
function toAccount(
  row: Pick<AccountRow, 'name' | 'approved' | 'email' | 'must_change'> & {
    password_hash: string | null
    created: string | null
  },
): Account {
  return {
    name: row.name,
    passwordHash: row.password_hash ?? '',
    approved: Boolean(row.approved),
    email: row.email ?? undefined,
    created: row.created === null ? undefined : fromDbTime(row.created),
    mustChange: Boolean(row.must_change),
    legacy: row.password_hash === null,
  }
}
