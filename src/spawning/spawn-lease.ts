/**
 * A start or a stop belongs to one hub process at a time. The owner's lease renews itself; when the process dies, it
 * runs out and another hub adopts the server. `signal` tells the owner's work to end, and why.
 */

import type { ServerKey } from '../core/server-key.ts'
import { serverKeyText } from '../core/server-key.ts'
import type { DbTransaction } from '../db/database.ts'
import { acquireLease, acquireLeaseAndWrite, type Lease, withLease } from '../db/leases.ts'
import type { SpawningContext } from './context.ts'
import { Interruption } from './reasons.ts'

export interface HeldServer {
  readonly key: ServerKey
  /** Aborts when another hub took over or this one closes: leave everything as it is. Its reason is an `Interruption`. */
  readonly gone: AbortSignal
  /** Writes in one transaction that only the owner may do. Throws HubError `lease_lost`. */
  write<T>(write: (tx: DbTransaction) => Promise<T>): Promise<T>
  /** The last write, which also gives the lease up; where it answers undefined, the lease is kept. */
  finish<T>(write: (tx: DbTransaction) => Promise<T | undefined>): Promise<T | undefined>
  release(): Promise<void>
}

/** Undefined when another process, or another task of this one, works on this server. */
export async function holdServer(context: SpawningContext, key: ServerKey): Promise<HeldServer | undefined> {
  const { database, holder, settings } = context
  const lease = await acquireLease(database, leaseName(key), holder, settings.leaseTermMs)
  return lease && hold(context, key, lease)
}

/** As `holdServer`, and writes in the same transaction: where `write` throws, the server is not held. */
export async function holdAndWrite<T>(
  context: SpawningContext,
  key: ServerKey,
  write: (tx: DbTransaction) => Promise<T>,
): Promise<{ held: HeldServer; written: T } | undefined> {
  const { database, holder, settings } = context
  const asked = { name: leaseName(key), holder, termMs: settings.leaseTermMs }
  const taken = await acquireLeaseAndWrite(database, asked, write)
  return taken && { held: hold(context, key, taken.lease), written: taken.written }
}

function leaseName(key: ServerKey): string {
  return `spawn:${serverKeyText(key)}`
}

function hold({ database, closing }: SpawningContext, key: ServerKey, lease: Lease): HeldServer {
  const gone = new AbortController()
  const onLost = () => gone.abort(new Interruption('lease_lost'))
  const onClosing = () => gone.abort(new Interruption('hub_closing'))
  lease.lost.addEventListener('abort', onLost)
  closing.addEventListener('abort', onClosing)
  if (closing.aborted) onClosing()
  return {
    key,
    gone: gone.signal,
    write: write => withLease(database, lease, write),
    finish: write => lease.finish(write),
    release: async () => {
      lease.lost.removeEventListener('abort', onLost)
      closing.removeEventListener('abort', onClosing)
      await lease.release()
    },
  }
}
