/** The spawner that a config describes. */
import type { Config } from '../../config/schema.ts'
import type { Logger } from '../../core/runtime.ts'
import type { LauncherClient } from '../../launcher/client.ts'
import type { RunAsKind } from '../../launcher/protocol.ts'
import type { Spawner } from '../../plugin/spawner.ts'
import { local } from '../../spawners/local/local.ts'
import { sudoLauncher } from '../../spawners/sudo/sudo-launcher.ts'

export function makeSpawner(config: Config, launcher: LauncherClient, log: Logger): Spawner {
  const { spawner, servers } = config
  if (!('kind' in spawner)) return spawner
  if (spawner.kind === 'sudo') {
    const { helper, preparedStarts } = spawner
    const prepares = servers.preload !== 'off' && preparedStarts > 0
    const throughSudo = sudoLauncher({ helper, log, preparedAtMost: preparedStarts })
    return local({ name: 'sudo', launcher: throughSudo, as: 'linux-user', prepares })
  }
  return local({ launcher, as: runAsOf(config), units: spawner.kind === 'systemd' })
}

/** As whom the launcher's servers run; it is told so too, and does not do the others. */
export function runAsOf({ spawner, authenticator }: Config): RunAsKind {
  const described = 'accounts' in spawner ? spawner.accounts : 'auto'
  const accounts = described === 'auto' ? accountsFor(authenticator) : described
  if (accounts === 'dynamic') return 'dynamic-user'
  return accounts === 'linux' ? 'linux-user' : 'own-account'
}

/** Who proved to be a Linux user works as that user; anybody else must not become one who was there before. */
function accountsFor(authenticator: Config['authenticator']): 'linux' | 'made' {
  return 'kind' in authenticator && authenticator.kind === 'pam' ? 'linux' : 'made'
}
