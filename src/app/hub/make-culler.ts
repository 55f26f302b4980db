/** The culler with what it needs of the hub. */
import { HubError } from '../../core/errors.ts'
import { removeUser } from '../../features/users/change-users.ts'
import { CULLER } from '../../services/culler/context.ts'
import { type Culler, createCuller } from '../../services/culler/culler.ts'
import type { TlsOfServers } from '../../spawning/context.ts'
import { activeServersOf } from '../../spawning/server-row.ts'
import { cullerSettings } from './hub-settings.ts'
import { type HubParts, usersDeps } from './register-routes.ts'

export function makeCuller(parts: HubParts, holder: string, tls?: TlsOfServers): Culler | undefined {
  const { config, database, spawning, access, log, clock } = parts
  if (!config.culler.enabled) return undefined
  // Unlike a person who deletes somebody, it stops no server for that.
  const users = { ...usersDeps(parts), stopServers: gone }
  return createCuller({
    database,
    spawning,
    access,
    holder,
    baseUrl: config.baseUrl,
    tls,
    settings: cullerSettings(config),
    async removeUser(user) {
      try {
        await removeUser(users, { name: CULLER }, user)
        return 'removed'
      } catch (error) {
        if (error instanceof HubError && error.code === 'server_stopping') return 'not yet'
        throw error
      }
    },
    log: log.child({ part: 'culler' }),
    clock,
  })

  async function gone({ name }: { name: string }): Promise<'stopped' | 'stopping'> {
    return (await activeServersOf(database, name)) === 0 ? 'stopped' : 'stopping'
  }
}
