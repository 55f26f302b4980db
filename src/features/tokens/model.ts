import { jsonTime } from '../../http/json-time.ts'
import type { StoredToken } from './store.ts'

/** A token as JupyterHub's `token_model` shows it; never the token itself. */
export function tokenModel(token: StoredToken, owner: string, scopes: readonly string[]): Record<string, unknown> {
  return {
    user: owner,
    id: tokenId(token.id),
    kind: 'api_token',
    // Kept by JupyterHub for old clients, always empty.
    roles: [],
    scopes,
    created: jsonTime(token.created),
    last_activity: jsonTime(token.last_activity),
    expires_at: jsonTime(token.expires_at),
    note: token.note,
    session_id: token.session_id,
    oauth_client: token.oauth_client,
  }
}

/** Ids of the API have a letter in front of the row's number. */
export function tokenId(row: number): string {
  return `a${row}`
}

/** The row's number; undefined for what is no id. */
export function parseTokenId(id: string): number | undefined {
  const row = /^a(\d{1,15})$/.exec(id)?.[1]
  return row === undefined ? undefined : Number(row)
}
