/**
 * Which processes of services run on this machine, so that a hub that follows one that was killed ends what it left
 * behind. `services.pid` shows the number; that it is still the same process is told by its start time.
 */

import type { Db } from '../db/database.ts'
import { endServer } from '../launcher/processes/end-processes.ts'
import { findProcess } from '../launcher/processes/process-info.ts'

export interface ServiceProcess {
  readonly service: string
  readonly pid: number
  /** As in `ProcessInfo`. */
  readonly startTime: string
  /** The launcher runs it, as a user whose processes the hub cannot end. */
  readonly launched?: boolean
}

/** How long an orderly end may take by each of the two signals. */
export const END_STEPS = { interruptMs: 3_000, terminateMs: 3_000 }

export interface ProcessRecords {
  started(process: ServiceProcess): Promise<void>
  ended(service: string): Promise<void>
  /** Ends what an earlier hub started on this machine; returns those that were still there. */
  endLeftovers(endLaunched?: (process: ServiceProcess) => Promise<boolean>): Promise<ServiceProcess[]>
}

export function processRecords(db: Db, machine: string): ProcessRecords {
  const prefix = `service_process:${machine}:`

  async function note(service: string, pid: number | null): Promise<void> {
    await db.updateTable('services').set({ pid }).where('name', '=', service).execute()
  }

  async function ended(service: string): Promise<void> {
    await db
      .deleteFrom('orrery_meta')
      .where('key', '=', prefix + service)
      .execute()
    await note(service, null)
  }

  return {
    async started(process) {
      const value = JSON.stringify(process)
      await db
        .insertInto('orrery_meta')
        .values({ key: prefix + process.service, value })
        .onConflict(conflict => conflict.column('key').doUpdateSet({ value }))
        .execute()
      await note(process.service, process.pid)
    },
    ended,
    async endLeftovers(endLaunched = async () => false) {
      const rows = await db.selectFrom('orrery_meta').selectAll().where('key', 'like', 'service%').execute()
      const ours = rows.filter(row => row.key.startsWith(prefix))
      const left: ServiceProcess[] = []
      for (const row of ours) {
        const record = JSON.parse(row.value) as ServiceProcess // written above alone
        if (await (record.launched ? endLaunched(record) : endProcess(record))) left.push(record)
        await ended(record.service)
      }
      return left
    },
  }
}

/** Ends a process with its group, when it is still the one that is meant. True when it was there. */
export async function endProcess({ pid, startTime }: Pick<ServiceProcess, 'pid' | 'startTime'>): Promise<boolean> {
  const found = findProcess(pid)
  if (!found || found.ended || found.startTime !== startTime) return false
  await endServer(found, END_STEPS)
  return true
}
