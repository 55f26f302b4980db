/** A day of figures as lines of a chart and as rows of a table. */
import { type SparkPoint, sparkline } from '../../../../src/core/for-browsers/sparkline.ts'

export const DAY_MS = 24 * 60 * 60 * 1000
/** Longer than this without a look, and nothing is known of the time between. */
const GAP_MS = 20 * 60 * 1000

export interface DayFrame {
  readonly now: Date
  readonly highest: number
  readonly width: number
  readonly height: number
}

/** `points` of polylines, one for each stretch without a gap; the right end is now. */
export function dayLines(points: readonly SparkPoint[], { now, ...frame }: DayFrame): string[] {
  const stretches: SparkPoint[][] = []
  for (const point of points) {
    const last = stretches.at(-1)?.at(-1)
    if (last && point.at.getTime() - last.at.getTime() <= GAP_MS) stretches.at(-1)!.push(point)
    else stretches.push([point])
  }
  return stretches.map(stretch => {
    const span = stretch.at(-1)!.at.getTime() - (now.getTime() - DAY_MS)
    // As wide as the part of the day up to its last point.
    return sparkline(stretch, { ...frame, spanMs: span, width: (frame.width * span) / DAY_MS })
  })
}

/** Means of each hour that has any points, latest first; named by its beginning. */
export function hourly(points: readonly SparkPoint[]): { begin: Date; value: number }[] {
  const hourOf = ({ at }: SparkPoint) => new Date(at).setMinutes(0, 0, 0)
  return [...Map.groupBy(points, hourOf)]
    .map(([begin, group]) => ({
      begin: new Date(begin),
      value: group.reduce((sum, { value }) => sum + value, 0) / group.length,
    }))
    .sort((a, b) => b.begin.getTime() - a.begin.getTime())
}

/** The point nearest to a place between 0, a day ago, and 1, now; undefined when nothing is near. */
export function pointAt(points: readonly SparkPoint[], place: number, now: Date): SparkPoint | undefined {
  const moment = now.getTime() - DAY_MS * (1 - place)
  const distance = ({ at }: SparkPoint) => Math.abs(at.getTime() - moment)
  const nearest = points.reduce<SparkPoint | undefined>(
    (best, point) => (!best || distance(point) < distance(best) ? point : best),
    undefined,
  )
  return nearest && distance(nearest) <= GAP_MS ? nearest : undefined
}
