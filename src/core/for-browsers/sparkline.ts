/** The lines of small charts, for SVG made by the hub's pages and by those in the browser. */

export interface SparkPoint {
  readonly at: Date
  readonly value: number
}

export interface SparkFrame {
  /** What the width stands for; the last point is at its right end. */
  readonly spanMs: number
  /** What the height stands for; points above it are at the top. */
  readonly highest: number
  readonly width: number
  readonly height: number
}

/** Room for half the line's width. */
const EDGE = 1.5

/** `points` of a polyline, oldest first; empty without any. One point alone makes a short line. */
export function sparkline(points: readonly SparkPoint[], { spanMs, highest, width, height }: SparkFrame): string {
  const last = points.at(-1)
  if (!last) return ''
  const xOf = (at: Date) => width * (1 - (last.at.getTime() - at.getTime()) / spanMs)
  const yOf = (value: number) => height - EDGE - Math.min(value / highest, 1) * (height - 2 * EDGE)
  const seen = points.filter(({ at }) => xOf(at) >= 0)
  const dots = seen.map(({ at, value }) => ({ x: xOf(at), y: yOf(value) }))
  if (dots.length === 1) dots.unshift({ x: width * 0.97, y: dots[0]!.y })
  return dots.map(({ x, y }) => `${Number(x.toFixed(1))},${Number(y.toFixed(1))}`).join(' ')
}

/** `points` of a polygon: what lies below the line. */
export function areaBelow(line: string, height: number): string {
  if (line === '') return ''
  const xOf = (dot: string) => dot.slice(0, dot.indexOf(','))
  const dots = line.split(' ')
  return `${xOf(dots[0]!)},${height} ${line} ${xOf(dots.at(-1)!)},${height}`
}
