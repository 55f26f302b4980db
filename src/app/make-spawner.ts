/** The spawner that a config describes. */
import type { Config } from '../config/schema.ts'
import type { LauncherClient } from '../launcher/client.ts'
import type { Spawner } from '../plugin/spawner.ts'
import { local } from '../spawners/local/local.ts'

export function makeSpawner(config: Config, launcher: LauncherClient): Spawner {
  const { spawner, authenticator } = config
  if (!('kind' in spawner)) return spawner
  const accounts = spawner.accounts === 'auto' ? accountsFor(authenticator) : spawner.accounts
  return local({ launcher, as: accounts === 'linux' ? 'linux-user' : 'own-account' })
}

/** Who proved to be a Linux user works as that user; anybody else must not become one who was there before. */
function accountsFor(authenticator: Config['authenticator']): 'linux' | 'made' {
  return 'kind' in authenticator && authenticator.kind === 'pam' ? 'linux' : 'made'
}
