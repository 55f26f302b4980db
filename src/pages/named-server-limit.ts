import { limitFrom } from '../core/site-function.ts'
import type { PageDeps } from './deps.ts'

/** How many named servers this person may have; 0 for any number. */
export async function namedServerLimit(deps: PageDeps, name: string): Promise<number> {
  const { namedServerLimitPerUser: limit } = deps.settings
  if (typeof limit === 'number') return limit
  const user = await deps.users.find(name)
  return user ? limitFrom('servers.namedServerLimitPerUser', await limit(user)) : 0
}
