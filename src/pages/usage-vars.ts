/** What a server uses, as pages show it: words, and small charts of the last ten minutes. */
import { areaBelow, type SparkPoint, sparkline } from '../core/for-browsers/sparkline.ts'
import { spanWords } from '../core/for-browsers/time-words.ts'
import { bytesWords, coreWords, isNearMemoryLimit, memoryWords } from '../core/for-browsers/usage-words.ts'
import type { PageUsage } from './deps.ts'
import type { PageVars } from './page-vars.ts'
import { templateTime } from './template-time.ts'

/** So long it is news that a process was ended. */
const NEWS_MS = 3_600_000
const SPAN_MS = 600_000
const SIZE = { width: 120, height: 30 }

export function usageVars({ latest, points }: PageUsage): PageVars {
  const memory = points.map(({ at, memoryBytes }) => ({ at, value: memoryBytes }))
  const cpu = points.flatMap(({ at, cpu }) => (cpu === undefined ? [] : [{ at, value: cpu }]))
  return {
    ...SIZE,
    memory: memoryWords(latest),
    memory_limit: latest.memoryLimitBytes === undefined ? '' : bytesWords(latest.memoryLimitBytes),
    memory_chart: chart('Memory', memory, latest.memoryLimitBytes, bytesWords),
    killed_at: killedAt(latest),
    near_limit: isNearMemoryLimit(latest),
    cpu: latest.cpu === undefined ? '' : coreWords(latest.cpu, latest.cpuLimit),
    cpu_chart: chart('Processor', cpu, latest.cpuLimit, value => coreWords(value, latest.cpuLimit)),
  }
}

/** When a process was ended for its memory, if that is not long ago. */
function killedAt({ at, lastMemoryKillAt }: PageUsage['latest']): Date | undefined {
  const date = lastMemoryKillAt === undefined ? undefined : new Date(lastMemoryKillAt)
  return date && at.getTime() - date.getTime() < NEWS_MS ? templateTime(date) : undefined
}

/** Undefined with too little to see. The top of a chart is the limit, if there is one. */
function chart(
  title: string,
  points: readonly SparkPoint[],
  limit: number | undefined,
  words: (value: number) => string,
): PageVars | undefined {
  const first = points[0]
  if (!first || points.length < 2) return undefined
  const values = points.map(({ value }) => value)
  const [least, most] = [Math.min(...values), Math.max(...values)]
  const line = sparkline(points, { ...SIZE, spanMs: SPAN_MS, highest: limit ?? (most * 1.25 || 1) })
  const span = spanWords((points.at(-1)!.at.getTime() - first.at.getTime()) / 1000)
  return {
    line,
    area: areaBelow(line, SIZE.height),
    label: `${title} over the last ${span}: between ${words(least)} and ${words(most)}`,
  }
}
