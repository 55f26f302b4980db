/** Notices that the kernel has ended processes of a server since the limit of its memory was reached. */
import type { Logger } from '../../core/runtime.ts'
import type { ServerExit } from '../protocol.ts'
import type { ServerRecord, ServerRecords } from '../server-records.ts'
import { memoryKillsOf } from './group.ts'

/** Between the kill and the end of the server that it was meant for; a loaded machine may take its time. */
const TOGETHER_MS = 10_000
/** What a shell that started the server makes of its signal. */
const STATUS_OF_KILLED = 128 + 9

/** Writes down what is new. Returns the record as it then is. */
export function noticeMemoryKills(record: ServerRecord, records: ServerRecords, log: Logger): ServerRecord {
  const { group, memoryKills, key } = record
  if (!group || !memoryKills) return record
  const count = memoryKillsOf(group) - memoryKills.before
  if (count <= memoryKills.count) return record
  const noticed = { ...record, memoryKills: { ...memoryKills, count, lastAt: new Date().toISOString() } }
  records.write(noticed)
  log.warn(
    { user: key.user, server: key.server, processes: count - memoryKills.count },
    'processes of a server were ended since the limit of its memory was reached',
  )
  return noticed
}

/** How a server ended, with that for a reason where it is one. */
export function explainedExit(exit: ServerExit, { memoryKills }: ServerRecord): ServerExit {
  const isKilled = exit.signal === 'SIGKILL' || exit.status === STATUS_OF_KILLED
  const isUnknown = exit.signal === undefined && exit.status === undefined
  if (!isKilled && !isUnknown) return exit
  const lastAt = memoryKills?.lastAt && Date.parse(memoryKills.lastAt)
  return lastAt && Date.now() - lastAt < TOGETHER_MS ? { ...exit, reason: 'out_of_memory' } : exit
}
