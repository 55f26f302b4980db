import { existsSync } from 'node:fs'
import { silentLogger } from '../../src/core/runtime.ts'
import { serverGroups } from '../../src/launcher/groups/server-groups.ts'
import { until } from './until.ts'

/** Control groups of servers that a test has not stopped but ended; the kernel takes a moment to clear them. */
export async function removeServerGroups(stateDir: string): Promise<void> {
  const groups = serverGroups({ stateDir, controlGroups: 'auto', log: silentLogger })
  await until('the groups of servers are empty', () => {
    groups.close()
    return groups.place?.bases.every(base => !existsSync(base)) ?? true
  })
}
