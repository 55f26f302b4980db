/** Watches what the config's servers and the hub's machine use. */
import type { Config } from '../../config/schema.ts'
import type { Clock, Logger } from '../../core/runtime.ts'
import type { Database } from '../../db/database.ts'
import { diskWatch } from '../../features/usage/disks.ts'
import { machineReader } from '../../features/usage/machine.ts'
import { createUsageWatch, type UsageWatch } from '../../features/usage/usage-watch.ts'
import type { Spawning } from '../../spawning/spawning.ts'

export function makeUsageWatch(parts: {
  config: Config
  database: Database
  spawning: Spawning
  holder: string
  log: Logger
  clock: Clock
}): UsageWatch {
  const { config, database, spawning, holder, log, clock } = parts
  return createUsageWatch({
    ...{ database, holder, clock, machineReader },
    usage: signal => spawning.usage(signal),
    disks: diskWatch({ 'data folder': config.dataDir, ...homesOf(config) }),
    log: log.child({ part: 'usage' }),
  })
}

/** Where homes usually are; they are on this machine with local servers alone. */
function homesOf({ spawner }: Config): Record<string, string> {
  return 'kind' in spawner ? { homes: '/home' } : {}
}
