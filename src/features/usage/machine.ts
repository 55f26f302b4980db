/** What the machine that the hub runs on has, and how much of it is in use. */
import { existsSync, readFileSync } from 'node:fs'
import { availableParallelism, freemem, loadavg, totalmem } from 'node:os'
import { availableMemory, constrainedMemory } from 'node:process'

/** One look at the machine. */
export interface MachineUsage {
  readonly processors: number
  /** Processors kept busy since the look before, by this very reader; undefined at the first. */
  readonly cpu: number | undefined
  readonly memoryBytes: number
  readonly memoryTotalBytes: number
  /** Over one minute: processes that run or want to. */
  readonly load: number
}

export type MachineReader = () => MachineUsage

export function machineReader(): MachineReader {
  let before: ProcessorTime | undefined
  return () => {
    const time = processorTime()
    const processors = availableParallelism()
    const cpu = before && time && busySince(before, time) * time.processors
    before = time
    return {
      processors,
      cpu: cpu === undefined ? undefined : Math.min(cpu, processors),
      ...memory(),
      load: loadavg()[0]!,
    }
  }
}

/** Within a limit of memory (of a container, of a unit of systemd) that limit is all there is. */
function memory(): { memoryBytes: number; memoryTotalBytes: number } {
  const limit = constrainedMemory()
  if (limit > 0 && limit < totalmem()) {
    return { memoryBytes: Math.max(0, limit - availableMemory()), memoryTotalBytes: limit }
  }
  // On Linux `freemem` is MemAvailable: caches count as free.
  return { memoryBytes: totalmem() - freemem(), memoryTotalBytes: totalmem() }
}

export interface ProcessorTime {
  /** In ticks since the boot, of all processors together. */
  readonly busy: number
  readonly total: number
  readonly processors: number
}

/** Undefined where there is no /proc. */
function processorTime(): ProcessorTime | undefined {
  return existsSync('/proc/stat') ? parseProcessorTime(readFileSync('/proc/stat', 'utf8')) : undefined
}

/** Of `/proc/stat` (proc_stat(5)); the time of guests is counted among `user` and `nice` already. */
export function parseProcessorTime(text: string): ProcessorTime {
  const ticks = /^cpu +(.*)$/m.exec(text)![1]!.split(' ').slice(0, 8).map(Number)
  const total = ticks.reduce((sum, each) => sum + each, 0)
  const [, , , idle = 0, waiting = 0] = ticks
  return { busy: total - idle - waiting, total, processors: text.match(/^cpu\d/gm)?.length ?? 1 }
}

/** Between 0 and 1. */
export function busySince(before: ProcessorTime, now: ProcessorTime): number {
  const total = now.total - before.total
  return total > 0 ? Math.min(1, Math.max(0, (now.busy - before.busy) / total)) : 0
}
