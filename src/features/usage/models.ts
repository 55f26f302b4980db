/** Usage as the REST API and its events show it. */
import { type MachineSample, SAMPLES_KEPT_MS } from './machine-samples.ts'
import type { UsageOfServer } from './usage-history.ts'
import type { MachineNow } from './usage-watch.ts'

export function usageModel({ key, latest, points }: UsageOfServer, howMany: number) {
  return {
    user: key.user,
    server: key.server,
    at: latest.at.toISOString(),
    memory_bytes: latest.memoryBytes,
    memory_limit_bytes: latest.memoryLimitBytes ?? null,
    cpu: roundedOrNull(latest.cpu),
    cpu_limit: latest.cpuLimit ?? null,
    processes: latest.processes ?? null,
    memory_kills: latest.memoryKills ?? null,
    last_memory_kill: latest.lastMemoryKillAt ?? null,
    points: points.slice(points.length - Math.min(howMany, points.length)).map(point => ({
      at: point.at.toISOString(),
      memory_bytes: point.memoryBytes,
      cpu: roundedOrNull(point.cpu),
    })),
  }
}

export function machineModel(now: MachineNow, samples: readonly MachineSample[], parts: number, at: Date) {
  return {
    now: {
      cpu: roundedOrNull(now.cpu),
      memory_bytes: now.memoryBytes,
      load: now.load,
      servers: now.servers,
      processors: now.processors,
      memory_total_bytes: now.memoryTotalBytes,
      disks: now.disks.map(({ holds, usedBytes, totalBytes }) => ({
        holds,
        used_bytes: usedBytes,
        total_bytes: totalBytes,
      })),
    },
    day: parts === 0 ? [] : meansOf(samples, parts, at),
  }
}

/** Of each part of the day up to `at`, at the moment of its last sample. */
function meansOf(samples: readonly MachineSample[], parts: number, at: Date) {
  const begin = at.getTime() - SAMPLES_KEPT_MS
  const groups = Map.groupBy(samples, sample =>
    Math.min(parts - 1, Math.floor(((sample.at.getTime() - begin) / SAMPLES_KEPT_MS) * parts)),
  )
  return [...groups.values()].map(group => {
    const mean = (of: (sample: MachineSample) => number) =>
      group.reduce((sum, each) => sum + of(each), 0) / group.length
    return {
      at: group.at(-1)!.at.toISOString(),
      cpu: rounded(mean(each => each.cpu)),
      memory_bytes: Math.round(mean(each => each.memoryBytes)),
      load: rounded(mean(each => each.load)),
      servers: rounded(mean(each => each.servers)),
    }
  })
}

/** More digits are noise, and in long lists most of what is sent. */
function rounded(number: number): number {
  return Math.round(number * 1000) / 1000
}

function roundedOrNull(number: number | undefined): number | null {
  return number === undefined ? null : rounded(number)
}
