import { createHash, randomBytes } from 'node:crypto'
import { type Clock, systemClock } from '../../core/runtime.ts'
import type { Database } from '../../db/database.ts'
import { toDbTime } from '../../db/db-time.ts'
import type { OneTimeLinkStore } from '../../plugin/account-store.ts'

type Link = NonNullable<Awaited<ReturnType<OneTimeLinkStore['peek']>>>

/** Links that work once, in `orrery_one_time_links`. The secret has 192 random bits, so a plain SHA-256 hides it. */
export function sqlOneTimeLinkStore({ db }: Pick<Database, 'db'>, clock: Clock = systemClock): OneTimeLinkStore {
  return { create, peek, consume }

  async function create(link: Parameters<OneTimeLinkStore['create']>[0]): Promise<string> {
    const secret = randomBytes(24).toString('base64url')
    await db
      .insertInto('orrery_one_time_links')
      .values({
        hashed: hash(secret),
        purpose: link.purpose,
        name: link.name ?? null,
        created: toDbTime(clock.now()),
        expires_at: toDbTime(link.expiresAt),
      })
      .execute()
    return secret
  }

  async function peek(secret: string): Promise<Link | undefined> {
    const row = await db
      .selectFrom('orrery_one_time_links')
      .select(['purpose', 'name'])
      .where('hashed', '=', hash(secret))
      .where('used_at', 'is', null)
      .where('expires_at', '>', toDbTime(clock.now()))
      .executeTakeFirst()
    return row && toLink(row)
  }

  async function consume(secret: string): Promise<Link | undefined> {
    const now = toDbTime(clock.now())
    const row = await db
      .updateTable('orrery_one_time_links')
      .set({ used_at: now })
      .where('hashed', '=', hash(secret))
      .where('used_at', 'is', null)
      .where('expires_at', '>', now)
      .returning(['purpose', 'name'])
      .executeTakeFirst()
    return row && toLink(row)
  }
}

function hash(secret: string): string {
  return createHash('sha256').update(secret).digest('hex')
}

function toLink(row: { purpose: string; name: string | null }): Link {
  return { purpose: row.purpose as Link['purpose'], name: row.name ?? undefined } // written by `create` alone
}
