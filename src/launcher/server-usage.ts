import { memoryKillsOf, usageOfGroup } from './groups/group.ts'
import { type ProcessInfo, processTree } from './processes/process-info.ts'
import { usageOf } from './processes/process-usage.ts'
import type { ServerUsage } from './protocol.ts'
import type { ServerRecord } from './server-records.ts'

/** By its control group; else, for a server of JupyterHub's for example, by its processes. */
export function usageOfServer(
  root: ProcessInfo,
  record: ServerRecord | undefined,
  list?: () => readonly ProcessInfo[],
): ServerUsage {
  const { group, memoryKills } = record ?? {}
  const grouped = group && usageOfGroup(group)
  if (!grouped) return { ...usageOf(processTree(root, list)), memoryKills: 0 }
  const count = memoryKillsOf(group) - (memoryKills?.before ?? 0)
  // One that nobody has noticed yet has just been.
  const lastAt = count > (memoryKills?.count ?? 0) ? new Date().toISOString() : memoryKills?.lastAt
  return { ...grouped, memoryKills: count, ...(lastAt !== undefined && { lastMemoryKillAt: lastAt }) }
}
