/** The spawner that a config describes. */
import type { Config } from '../../config/schema.ts'
import type { LauncherClient } from '../../launcher/client.ts'
import type { RunAsKind } from '../../launcher/protocol.ts'
import type { Spawner } from '../../plugin/spawner.ts'
import { local } from '../../spawners/local/local.ts'

export function makeSpawner(config: Config, launcher: LauncherClient): Spawner {
  const { spawner } = config
  return 'kind' in spawner ? local({ launcher, as: runAsOf(config), units: spawner.kind === 'systemd' }) : spawner
}

/** As whom the launcher's servers run; it is told so too, and does not do the others. */
export function runAsOf({ spawner, authenticator }: Config): RunAsKind {
  const described = 'kind' in spawner ? spawner.accounts : 'auto'
  const accounts = described === 'auto' ? accountsFor(authenticator) : described
  if (accounts === 'dynamic') return 'dynamic-user'
  return accounts === 'linux' ? 'linux-user' : 'own-account'
}

/** Who proved to be a Linux user works as that user; anybody else must not become one who was there before. */
function accountsFor(authenticator: Config['authenticator']): 'linux' | 'made' {
  return 'kind' in authenticator && authenticator.kind === 'pam' ? 'linux' : 'made'
}
