import { existsSync } from 'node:fs'
import { silentLogger } from '../../src/core/runtime.ts'
import { killGroup } from '../../src/launcher/groups/group.ts'
import { serverGroups } from '../../src/launcher/groups/server-groups.ts'
import { until } from './until.ts'

/** Ends the servers of a launcher that a test has not stopped, and removes their control groups. */
export async function removeServerGroups(stateDir: string): Promise<void> {
  const groups = serverGroups({ stateDir, controlGroups: 'auto', log: silentLogger })
  await until('the groups of servers are empty', () => {
    for (const digest of groups.digests()) killGroup(groups.groupOf(digest)!)
    groups.close()
    return groups.place?.bases.every(base => !existsSync(base)) ?? true
  })
}
