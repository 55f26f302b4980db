import { randomBytes } from 'node:crypto'
import type { Db } from '../db/database.ts'
import type { PkceChallenge } from './pkce.ts'

const CODE_SECONDS = 300

/** What a person granted to a client, until the client fetches it. */
export interface Grant {
  readonly clientId: string
  readonly userId: number
  readonly sessionId: string
  readonly redirectUri: string
  /** Raw. */
  readonly scopes: readonly string[]
  readonly pkce: PkceChallenge | undefined
}

export async function saveCode(db: Db, grant: Grant, now: Date): Promise<string> {
  const code = randomBytes(24).toString('base64url') // 32 characters; the column holds 36
  await db
    .insertInto('oauth_codes')
    .values({
      client_id: grant.clientId,
      code,
      expires_at: epochSeconds(now) + CODE_SECONDS,
      redirect_uri: grant.redirectUri,
      session_id: grant.sessionId,
      user_id: grant.userId,
      scopes: JSON.stringify(grant.scopes),
      code_challenge: grant.pkce?.challenge ?? null,
      code_challenge_method: grant.pkce?.method ?? null,
    })
    .execute()
  return code
}

/** Takes the code away and returns it: of two requests at once one gets it. Only its own client can use it up. */
export async function consumeCode(db: Db, code: string, clientId: string, now: Date) {
  return db
    .deleteFrom('oauth_codes')
    .where('code', '=', code)
    .where('client_id', '=', clientId)
    .where('expires_at', '>=', epochSeconds(now))
    .returning(['user_id', 'session_id', 'scopes', 'redirect_uri', 'code_challenge', 'code_challenge_method'])
    .executeTakeFirst()
}

function epochSeconds(date: Date): number {
  return Math.floor(date.getTime() / 1000)
}
