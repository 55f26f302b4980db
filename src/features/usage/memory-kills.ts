/** Says in the hub's log that a server has lost processes to the limit of its memory. */
import type { Logger } from '../../core/runtime.ts'
import type { SeenServer, UsageHistory } from './usage-history.ts'

/** Compared with the look before, so a hub that was just started says nothing of what was before its time. */
export function logMemoryKills(history: UsageHistory, seen: readonly SeenServer[], log: Logger): void {
  for (const { key, usage } of seen) {
    const before = history.ofUser(key.user).get(key.server)?.latest.memoryKills
    if (before === undefined || usage.memoryKills === undefined || usage.memoryKills <= before) continue
    const { memoryKills, memoryLimitBytes } = usage
    log.info(
      { ...key, processes: memoryKills - before, memoryLimitBytes },
      'processes of a server were ended since the limit of its memory was reached',
    )
  }
}
