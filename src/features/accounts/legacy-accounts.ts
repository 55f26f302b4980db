import { sql } from 'kysely'
import type { Database } from '../../db/database.ts'
import { tableNames } from '../../db/schema/create-schema.ts'
import type { Account } from '../../plugin/account-store.ts'

/** NativeAuthenticator's table `users_info`, where a site has come from there. Rows are never removed by an upgrade. */
export interface LegacyAccounts {
  find(name: string): Promise<Account | undefined>
  setApproved(name: string, approved: boolean): Promise<boolean>
  remove(name: string): Promise<boolean>
  /** Is the table there? Asked once: nobody makes it while the hub runs. */
  exist(): Promise<boolean>
}

export function legacyAccounts({ db, dialect }: Pick<Database, 'db' | 'dialect'>): LegacyAccounts {
  let present: boolean | undefined
  const exist = async () => {
    present ??= (await tableNames(db, dialect)).has('users_info')
    return present
  }
  return { exist, find, setApproved, remove }

  async function find(name: string): Promise<Account | undefined> {
    if (!(await exist())) return undefined
    const row = await db
      .selectFrom('users_info')
      .select(['username', 'password', 'is_authorized', 'email'])
      .where(sql<string>`lower(username)`, '=', name)
      // Of `Alice` and `alice` the one that is written like the name.
      .orderBy(sql`case when username = ${name} then 0 else 1 end`)
      .executeTakeFirst()
    if (!row) return undefined
    return {
      name,
      passwordHash: Buffer.from(row.password).toString('utf8'),
      approved: Boolean(row.is_authorized),
      email: row.email ?? undefined,
      created: undefined,
      mustChange: false,
      legacy: true,
    }
  }

  async function setApproved(name: string, approved: boolean): Promise<boolean> {
    if (!(await exist())) return false
    const { numUpdatedRows } = await db
      .updateTable('users_info')
      .set({ is_authorized: approved })
      .where(sql<string>`lower(username)`, '=', name)
      .executeTakeFirst()
    return numUpdatedRows > 0n
  }

  async function remove(name: string): Promise<boolean> {
    if (!(await exist())) return false
    const { numDeletedRows } = await db
      .deleteFrom('users_info')
      .where(sql<string>`lower(username)`, '=', name)
      .executeTakeFirst()
    return numDeletedRows > 0n
  }
}
