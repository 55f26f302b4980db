/** Invitations as the page that accepts them sees them. */
import {
  exchangeCode,
  findOffer,
  hasAccepted,
  ownCode,
  type ShareRules,
  unknownCode,
} from '../../features/shares/rules.ts'
import { findUserById } from '../../features/users/user-store.ts'
import type { PageShares } from '../../pages/deps.ts'
import { findServerById } from '../../spawning/server-row.ts'
import type { ShareCodeGuesses } from './guess-limits.ts'
import { pageServer } from './page-servers.ts'

export function pageShares(rules: ShareRules & { baseUrl: string; guesses: ShareCodeGuesses }): PageShares {
  const { database, baseUrl, guesses } = rules
  return {
    async invitation(code, user) {
      await guesses.check(user)
      const offer = await findOffer(rules, code)
      if (!offer) {
        await guesses.wrong(user, code)
        throw unknownCode(404)
      }
      if (offer.ownerId === user.id) throw ownCode(403)
      const [owner, server, isAccepted] = await Promise.all([
        findUserById(database.db, offer.ownerId),
        findServerById(database, offer.spawnerId),
        hasAccepted(rules, offer, user.id),
      ])
      if (!owner || !server) throw unknownCode(404) // deleted a moment ago
      return { owner, server: pageServer(server, baseUrl), scopes: offer.scopes, isAccepted }
    },
    async accept(code, user) {
      await guesses.check(user)
      const share = await exchangeCode(rules, code, user).catch(async error => {
        if ((error as { code?: unknown }).code === 'share_code_unknown') await guesses.wrong(user, code)
        throw error
      })
      return share.server
    },
  }
}
