/** The machine's last day, a row a minute in a table of our own, so that it outlives a restart of the hub. */
import type { Database } from '../../db/database.ts'
import { fromDbTime, toDbTime } from '../../db/db-time.ts'
import type { MachineUsage } from './machine.ts'

export interface MachineSample {
  readonly at: Date
  /** Processors kept busy, of `processors`. */
  readonly cpu: number
  readonly processors: number
  readonly memoryBytes: number
  readonly memoryTotalBytes: number
  readonly load: number
  /** Servers that run. */
  readonly servers: number
}

export const SAMPLE_EVERY_MS = 60_000
export const SAMPLES_KEPT_MS = 24 * 60 * 60 * 1000

/** Writes one, and takes away those that are older than a day. */
export async function addMachineSample({ db }: Database, at: Date, usage: MachineUsage, servers: number) {
  const row = {
    at: toDbTime(at),
    cpu: usage.cpu ?? 0,
    processors: usage.processors,
    memory_bytes: usage.memoryBytes,
    memory_total_bytes: usage.memoryTotalBytes,
    load: usage.load,
    servers,
  }
  await db
    .insertInto('orrery_machine_samples')
    .values(row)
    .onConflict(conflict => conflict.column('at').doNothing())
    .execute()
  const oldest = toDbTime(new Date(at.getTime() - SAMPLES_KEPT_MS))
  await db.deleteFrom('orrery_machine_samples').where('at', '<', oldest).execute()
}

/** Those of the last day, oldest first. */
export async function readMachineSamples({ db }: Database, now: Date): Promise<MachineSample[]> {
  const rows = await db
    .selectFrom('orrery_machine_samples')
    .selectAll()
    .where('at', '>=', toDbTime(new Date(now.getTime() - SAMPLES_KEPT_MS)))
    .orderBy('at')
    .execute()
  return rows.map(row => ({
    at: fromDbTime(row.at),
    cpu: row.cpu,
    processors: row.processors,
    memoryBytes: row.memory_bytes,
    memoryTotalBytes: row.memory_total_bytes,
    load: row.load,
    servers: row.servers,
  }))
}
