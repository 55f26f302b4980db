import type { Db } from '../db/database.ts'
import { toDbTime } from '../db/db-time.ts'

/** Deletes tokens, codes and shares that have run out. They are refused anyway; this keeps the tables small. */
export async function purgeExpired(db: Db, now: Date): Promise<void> {
  for (const table of ['api_tokens', 'shares', 'share_codes'] as const) {
    await db.deleteFrom(table).where('expires_at', '<', toDbTime(now)).execute()
  }
  await db
    .deleteFrom('oauth_codes')
    .where('expires_at', '<', Math.floor(now.getTime() / 1000))
    .execute()
}
