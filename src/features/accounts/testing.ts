import bcrypt from 'bcryptjs'
import { sql } from 'kysely'
import type { Clock } from '../../core/runtime.ts'
import type { Database } from '../../db/database.ts'

/** Makes NativeAuthenticator's table as that plug-in makes it, and one account in it. */
export async function addNativeAccount(
  { db, dialect }: Pick<Database, 'db' | 'dialect'>,
  account: { username: string; password: string; authorized: boolean; email?: string },
): Promise<void> {
  await sql
    .raw(`create table if not exists users_info (
      id ${dialect === 'sqlite' ? 'integer not null' : 'serial not null'} primary key,
      username varchar(128) not null unique,
      password ${dialect === 'sqlite' ? 'blob' : 'bytea'} not null,
      is_authorized boolean,
      login_email_sent boolean,
      email varchar(128),
      has_2fa boolean,
      otp_secret varchar(16))`)
    .execute(db)
  await db
    .insertInto('users_info')
    .values({
      username: account.username,
      password: Buffer.from(await bcrypt.hash(account.password, 4)),
      is_authorized: account.authorized,
      email: account.email ?? null,
    })
    .execute()
}

/** A clock that stands until it is advanced. */
export function testClock(start = '2026-01-02T03:04:05.000Z'): Clock & { advance(ms: number): void } {
  let now = new Date(start).getTime()
  return {
    now: () => new Date(now),
    advance: ms => {
      now += ms
    },
  }
}
