/** How full the disks are that the hub and its users need. */
import { stat, statfs } from 'node:fs/promises'
import { setTimeout as sleep } from 'node:timers/promises'

export interface DiskUsage {
  /** What lies on it: `data folder`, `homes`. */
  readonly holds: readonly string[]
  readonly usedBytes: number
  /** What can be used in all, without what is kept for root. */
  readonly totalBytes: number
}

/** A network disk whose server is away answers when that is back. */
const PATIENCE_MS = 2_000

/**
 * `folders` by what people call them; one that is not there is left out, two on one disk are told of once. While a disk
 * does not answer, what was found before is told, and it is not asked again.
 */
export function diskWatch(folders: Readonly<Record<string, string>>): () => Promise<readonly DiskUsage[]> {
  let known: readonly DiskUsage[] = []
  let asking: Promise<void> | undefined
  return async () => {
    asking ??= disksOf(folders)
      .then(found => {
        known = found
      })
      .finally(() => {
        asking = undefined
      })
    await Promise.race([asking, sleep(PATIENCE_MS, undefined, { ref: false })])
    return known
  }
}

async function disksOf(folders: Readonly<Record<string, string>>): Promise<DiskUsage[]> {
  const disks = new Map<number, DiskUsage>()
  for (const [name, folder] of Object.entries(folders)) {
    const { dev } = (await stat(folder).catch(() => undefined)) ?? {}
    const found = await statfs(folder).catch(() => undefined)
    if (dev === undefined || !found || found.blocks === 0) continue
    const usedBytes = (found.blocks - found.bfree) * found.bsize
    const holds = [...(disks.get(dev)?.holds ?? []), name]
    disks.set(dev, { holds, usedBytes, totalBytes: usedBytes + found.bavail * found.bsize })
  }
  return [...disks.values()]
}
