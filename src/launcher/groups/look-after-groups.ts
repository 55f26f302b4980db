/** Now and then: what the kernel did to groups of servers is noticed, and those of servers that are gone are removed. */
import type { Logger } from '../../core/runtime.ts'
import { findProcess } from '../processes/process-info.ts'
import type { ServerRecord, ServerRecords } from '../server-records.ts'
import { memoryKillsOf, removeGroup } from './group.ts'
import { explainedExit, noticeMemoryKills } from './memory-kills.ts'
import type { ServerGroups } from './server-groups.ts'

export interface GroupKeeper {
  /** Costs some microseconds for each server that runs. */
  look(): void
  /** No look at this one until it has ended: its group has no process yet. */
  whileStarting<T>(digest: string, start: () => Promise<T>): Promise<T>
}

export function groupKeeper(groups: ServerGroups, records: ServerRecords, log: Logger): GroupKeeper {
  const known = new Map<string, ServerRecord | undefined>()
  const starting = new Set<string>()

  function lookAt(digest: string): void {
    const group = groups.groupOf(digest)! // there are groups, this one among them
    if (!known.has(digest)) known.set(digest, records.findDigest(digest))
    let record = known.get(digest)
    if (record && countOf(record) !== memoryKillsOf(group)) {
      record = noticeMemoryKills(records.findDigest(digest) ?? record, records, log)
      known.set(digest, record)
    }
    if (record && isRunning(record)) return
    known.delete(digest)
    if (record) tellEnd(record.key)
    removeGroup(group)
  }

  /** Of one that ended while no launcher looked. */
  function tellEnd(key: ServerRecord['key']): void {
    const record = records.find(key)
    if (!record || record.exit || isRunning(record)) return
    const exit = explainedExit({}, record)
    if (exit.reason) records.write({ ...record, exit })
  }

  return {
    look() {
      const digests = new Set(groups.digests())
      for (const digest of digests) if (!starting.has(digest)) lookAt(digest)
      for (const digest of known.keys()) if (!digests.has(digest)) known.delete(digest)
    },
    async whileStarting(digest, start) {
      starting.add(digest)
      known.delete(digest)
      try {
        return await start()
      } finally {
        starting.delete(digest)
      }
    },
  }
}

function countOf({ memoryKills }: ServerRecord): number {
  return memoryKills ? memoryKills.before + memoryKills.count : 0
}

function isRunning({ pid, startTime }: ServerRecord): boolean {
  const info = findProcess(pid)
  return info !== undefined && !info.ended && info.startTime === startTime
}
