/** Columns of a table of servers that tell what each uses. */
import { coreWords, isNearMemoryLimit, memoryWords } from '../../../src/core/for-browsers/usage-words.ts'
import type { Usage } from '../api/types.ts'
import { type UsageById, usageId } from '../api/usage.ts'
import { counted } from '../lib/counted.ts'
import { Icon } from './parts/icon.tsx'
import { Spark } from './parts/spark.tsx'
import type { Column } from './parts/table-model.ts'
import type { ServerOf } from './users/losses.ts'

/** The rows carry what they are sorted by: it may be older than what is shown, so that they stay where they are. */
export interface ServerRow extends ServerOf {
  readonly sortedBy: Usage | undefined
}

export function usageOf(usage: UsageById, { user, server }: ServerOf): Usage | undefined {
  return usage[usageId({ user, server: server.name })]
}

export function usageColumns(now: UsageById): readonly Column<ServerRow>[] {
  return [
    {
      id: 'memory',
      header: 'Memory',
      className: 'usage-col',
      newestFirst: true,
      value: row => row.sortedBy?.memory_bytes,
      cell: row => <Memory usage={usageOf(now, row)} />,
    },
    {
      id: 'cpu',
      header: 'Processor',
      className: 'usage-col',
      newestFirst: true,
      value: row => row.sortedBy?.cpu ?? undefined,
      cell: row => <Processor usage={usageOf(now, row)} />,
    },
  ]
}

function Memory({ usage }: { usage: Usage | undefined }) {
  if (!usage) return null
  const use = { memoryBytes: usage.memory_bytes, memoryLimitBytes: usage.memory_limit_bytes ?? undefined }
  const isNear = isNearMemoryLimit(use)
  return (
    <span className={`usage-cell${isNear ? ' is-near-limit' : ''}`}>
      {memoryWords(use)}
      <Spark
        points={usage.points.map(({ at, memory_bytes }) => ({ at: new Date(at), value: memory_bytes }))}
        limit={usage.memory_limit_bytes}
      />
      {isNear && (
        <span className="near-limit">
          <Icon name="failed" /> Nearly used up
        </span>
      )}
      <Ended processes={usage.memory_kills ?? 0} />
    </span>
  )
}

/** Since the start of the server. */
function Ended({ processes }: { processes: number }) {
  if (processes === 0) return null
  return (
    <span className="near-limit">
      <Icon name="failed" /> {counted(processes, 'process', 'processes')} ended
    </span>
  )
}

function Processor({ usage }: { usage: Usage | undefined }) {
  if (!usage || usage.cpu === null) return null
  return (
    <span className="usage-cell">
      {coreWords(usage.cpu, usage.cpu_limit ?? undefined)}
      <Spark
        points={usage.points.flatMap(({ at, cpu }) => (cpu === null ? [] : [{ at: new Date(at), value: cpu }]))}
        limit={usage.cpu_limit ?? 1}
      />
    </span>
  )
}
