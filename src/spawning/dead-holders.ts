/**
 * A hub that was killed leaves leases behind, which run out by themselves. Its successor on the same machine need not
 * wait for that: it can see that the process is gone.
 */
import { hostname } from 'node:os'
import type { Logger } from '../core/runtime.ts'
import type { Database } from '../db/database.ts'

/** `host:pid:random`, unique to a process and telling where it ran. */
export interface Holder {
  readonly host: string
  readonly pid: number
}

/** Lets the leases of dead processes of this machine run out now. `own` is this process's holder. */
export async function freeLeasesOfTheDead(database: Database, own: string, log: Logger): Promise<void> {
  const leases = await database.db
    .selectFrom('orrery_leases')
    .select(['name', 'holder', 'epoch'])
    .where('holder', '!=', own)
    .where('expires_at', '>', RUN_OUT)
    .execute()
  for (const { name, holder, epoch } of leases.filter(lease => isDead(lease.holder))) {
    await database.db
      .updateTable('orrery_leases')
      .set({ expires_at: RUN_OUT })
      .where('name', '=', name)
      .where('holder', '=', holder)
      .where('epoch', '=', epoch)
      .execute()
    log.info({ lease: name, holder }, 'lease of a dead hub freed')
  }
}

const RUN_OUT = '1970-01-01 00:00:00.000000'

function isDead(holder: string): boolean {
  const parsed = parseHolder(holder)
  if (!parsed || parsed.host !== hostname()) return false
  // This very pid, but not this process: its predecessor in a container, or before pids came round.
  return parsed.pid === process.pid || !isAlive(parsed.pid)
}

export function parseHolder(holder: string): Holder | undefined {
  const match = /^(.+):(\d+):[^:]+$/.exec(holder)
  return match ? { host: match[1]!, pid: Number(match[2]) } : undefined
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0)
    return true
  } catch (error) {
    return (error as NodeJS.ErrnoException).code !== 'ESRCH' // another user's process is alive
  }
}
