/** What the site's hooks and the authenticator have to do around starts and stops. */
import type { Config } from '../../config/schema.ts'
import type { Json, Logger } from '../../core/runtime.ts'
import type { Authenticator } from '../../plugin/authenticator.ts'
import type { UserRecord } from '../../plugin/spawner.ts'
import type { SpawningHooks } from '../../spawning/context.ts'
import { sitePreparation } from '../../spawning/prepare-server.ts'

export function siteHooks({
  config: { hooks, servers },
  authenticator,
  authStateOf,
  log,
}: {
  config: Pick<Config, 'hooks' | 'servers'>
  authenticator: Authenticator
  authStateOf(user: UserRecord): Promise<Json>
  log: Logger
}): Pick<SpawningHooks, 'beforeStart' | 'prepare' | 'afterStop'> {
  const { groupOverrides, applyUserOptions, profiles } = servers
  return {
    async beforeStart(server) {
      if (!authenticator.beforeSpawn) return
      await authenticator.beforeSpawn(server.user, (await authStateOf(server.user)) ?? undefined, server)
    },
    prepare: sitePreparation({
      hooks,
      ...(groupOverrides !== undefined && { groupOverrides }),
      ...(applyUserOptions !== undefined && { applyUserOptions }),
      profiles,
      authStateOf,
      log,
    }),
    async afterStop(user, server) {
      const signal = AbortSignal.timeout(AFTER_STOP_MS)
      const key = { user: user.name, server }
      try {
        await hooks.postStop?.({ key, user }, { signal, log: log.child({ ...key }) })
      } finally {
        await authenticator.afterStop?.(user, server)
      }
    },
  }
}

const AFTER_STOP_MS = 30_000
