/** What the servers that run use now, as their spawner tells it. */
import type { ServerKey } from '../core/server-key.ts'
import type { ServerUsage } from '../plugin/spawner.ts'
import type { SpawningContext } from './context.ts'
import { activeServers } from './server-row.ts'

export interface UsedByServer {
  readonly key: ServerKey
  /** Tells one run of the server from the next. */
  readonly run: string
  readonly usage: ServerUsage
}

type Context = Pick<SpawningContext, 'database' | 'spawner'>

/** Of every server that is ready and whose spawner can tell; how many are ready in all. */
export async function readUsage(
  { database, spawner }: Context,
  signal: AbortSignal,
): Promise<{ running: number; used: readonly UsedByServer[] }> {
  const rows = await activeServers({ db: database.db })
  const ready = rows.filter(({ address, run }) => address && (run?.phase ?? 'ready') === 'ready')
  if (!spawner.usage || ready.length === 0) return { running: ready.length, used: [] }
  const asked = ready.map(({ key, state }) => ({ key, state: state ?? {} }))
  const answers = await spawner.usage(asked, signal)
  const used = ready.flatMap(({ key, run, started }, index) => {
    const usage = answers[index]
    return usage ? [{ key, run: run?.runId ?? started ?? '', usage }] : []
  })
  return { running: ready.length, used }
}
