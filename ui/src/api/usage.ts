/** What servers use, as the page keeps it: the list once, then what the event stream adds to it. */
import type { Usage } from './types.ts'

/** Five minutes. */
export const POINTS_SHOWN = 30

export type UsageById = Readonly<Record<string, Usage>>

export function usageId({ user, server }: { user: string; server: string }): string {
  return `${user}/${server}`
}

export function usageById(list: readonly Usage[]): UsageById {
  return Object.fromEntries(list.map(usage => [usageId(usage), usage]))
}

/** After another look at all servers; of those that are not in it nothing is known any more. */
export function withLook(before: UsageById, look: readonly Usage[]): UsageById {
  return usageById(
    look.map(usage => {
      const { at, memory_bytes, cpu } = usage
      const points = before[usageId(usage)]?.points ?? []
      if (points.at(-1)?.at === at) return { ...usage, points }
      return { ...usage, points: [...points, { at, memory_bytes, cpu }].slice(-POINTS_SHOWN) }
    }),
  )
}
