/** Tokens as the token page sees them. */
import { HUB_CLIENT_ID } from '../../access/token-check.ts'
import { HubError } from '../../core/errors.ts'
import { fromDbTime, toDbTime } from '../../db/db-time.ts'
import { effectiveScopes } from '../../features/tokens/effective-scopes.ts'
import { tokenId } from '../../features/tokens/model.ts'
import { makeToken, revokeToken, type TokenRules } from '../../features/tokens/rules.ts'
import { type StoredToken, tokensOfUser } from '../../features/tokens/store.ts'
import { findUser } from '../../features/users/user-store.ts'
import type { PageToken, PageTokens } from '../../pages/deps.ts'
import type { UserRecord } from '../../plugin/spawner.ts'

export function pageTokens(rules: TokenRules): PageTokens {
  const { database, access, clock } = rules

  async function getOwner(name: string): Promise<UserRecord> {
    const user = await findUser(database.db, name)
    if (!user) throw new HubError('no_such_user', { status: 404, message: `There is no user ${name}.` })
    return user
  }

  return {
    async list(name) {
      const user = await getOwner(name)
      const now = toDbTime(clock.now())
      const tokens = await tokensOfUser(database.db, user.id, now)
      const scopes = await effectiveScopes(database.db, access.scopeDefinitions, user.id, tokens, now)
      const page = (token: StoredToken) => pageToken(token, scopes.get(token.id) ?? [])
      const isOwn = (token: StoredToken) => token.client_id === HUB_CLIENT_ID
      const byClient = Map.groupBy(
        tokens.filter(token => !isOwn(token)),
        token => token.client_id,
      )
      return {
        own: tokens.filter(isOwn).map(page),
        applications: [...byClient.values()].map(held => ({
          description: held[0]!.oauth_client,
          tokens: held.map(page),
        })),
      }
    },
    async create({ user: name, note, expiresInSeconds, scopes }) {
      const user = await getOwner(name)
      const made = await makeToken(rules, { kind: 'user', ...user }, user, {
        note,
        expires_in: expiresInSeconds,
        scopes,
      })
      return String(made.token)
    },
    async revoke(name, apiId) {
      const user = await getOwner(name)
      try {
        await revokeToken(rules, { kind: 'user', ...user }, user, apiId)
        return true
      } catch (error) {
        if (error instanceof HubError && error.code === 'no_such_token') return false
        throw error
      }
    },
  }
}

function pageToken(token: StoredToken, scopes: readonly string[]): PageToken {
  return {
    apiId: tokenId(token.id),
    note: token.note ?? '',
    scopes,
    ...(token.created !== null && { created: fromDbTime(token.created) }),
    ...(token.last_activity !== null && { lastActivity: fromDbTime(token.last_activity) }),
    ...(token.expires_at !== null && { expiresAt: fromDbTime(token.expires_at) }),
  }
}
