import type { Clock } from '../../core/runtime.ts'
import type { Database } from '../../db/database.ts'
import type { AccountStore, OneTimeLinkStore } from '../../plugin/account-store.ts'

/** Long enough to come back after lunch; the next start prints a new one. */
const LIFE_MS = 24 * 3600_000

/**
 * Path below the hub of the link that makes the first administrator, `first-admin?link=...`; undefined when there is
 * an administrator with an approved account. Links of former starts end.
 */
export async function makeFirstAdminLink(
  { db }: Pick<Database, 'db'>,
  stores: { accounts: AccountStore; links: OneTimeLinkStore },
  clock: Clock,
): Promise<string | undefined> {
  const admins = await db.selectFrom('users').select('name').where('admin', '=', true).execute()
  for (const { name } of admins) {
    if ((await stores.accounts.find(name))?.approved) return undefined
  }
  await db.deleteFrom('orrery_one_time_links').where('purpose', '=', 'first-admin').execute()
  const expiresAt = new Date(clock.now().getTime() + LIFE_MS)
  return `first-admin?link=${await stores.links.create({ purpose: 'first-admin', expiresAt })}`
}
