import type { Access } from '../../access/access.ts'
import type { Config } from '../../config/schema.ts'
import type { Clock, Json, Logger } from '../../core/runtime.ts'
import type { Subdomains } from '../../core/subdomains.ts'
import type { Database } from '../../db/database.ts'
import type { LauncherClient } from '../../launcher/client.ts'
import type { Authenticator } from '../../plugin/authenticator.ts'
import type { RouteKeeper } from '../../routing/route-keeper.ts'
import type { SpawningObserver, TlsOfServers } from '../../spawning/context.ts'
import { siteOptionsForm } from '../../spawning/options-form.ts'
import { serverAccess } from '../../spawning/server-access.ts'
import { createSpawning, type Spawning } from '../../spawning/spawning.ts'
import { environmentSettings, spawningSettings } from './hub-settings.ts'
import { makeSpawner } from './make-spawner.ts'
import { siteHooks } from './site-hooks.ts'

export interface SpawningParts {
  readonly config: Config
  readonly database: Database
  readonly access: Access
  readonly authenticator: Authenticator
  readonly launcher: LauncherClient
  readonly routes: RouteKeeper
  readonly subdomains: Subdomains | undefined
  readonly tls: TlsOfServers | undefined
  /** Unique to this process. */
  readonly holder: string
  readonly observer: SpawningObserver
  authStateOf(user: { id: number }): Promise<Json>
  readonly log: Logger
  readonly clock: Clock
}

/** Start and stop of servers, with the spawner, the hooks and the form that the config names. */
export function makeSpawning(parts: SpawningParts): Spawning {
  const { config, database, access, authenticator, authStateOf, clock } = parts
  const { optionsForm } = config.servers
  const log = parts.log.child({ part: 'spawning' })
  return createSpawning({
    database,
    spawner: makeSpawner(config, parts.launcher, log),
    routes: parts.routes,
    access: serverAccess(access),
    holder: parts.holder,
    environment: environmentSettings(config, process.env, parts.subdomains),
    settings: spawningSettings(config.servers),
    hooks: {
      ...siteHooks({ config, authenticator, authStateOf, log }),
      onTooManyFailures(failures) {
        log.error({ failures }, 'too many starts failed in a row, the hub ends to be started anew')
        process.kill(process.pid, 'SIGTERM')
      },
    },
    observer: parts.observer,
    profiles: config.servers.profiles,
    tls: parts.tls,
    ...(optionsForm !== undefined && { optionsForm: siteOptionsForm(optionsForm, { authStateOf, log }) }),
    log,
    clock,
  })
}
