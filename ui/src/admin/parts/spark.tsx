import { areaBelow, type SparkPoint, sparkline } from '../../../../src/core/for-browsers/sparkline.ts'

const SIZE = { width: 96, height: 16 }
const SPAN_MS = 300_000

/** The last minutes of something as a line; the words beside it say how much it is now. */
export function Spark({ points, limit }: { points: readonly SparkPoint[]; limit: number | null }) {
  if (points.length < 2) return null
  const highest = limit ?? (Math.max(...points.map(({ value }) => value)) * 1.25 || 1)
  const line = sparkline(points, { ...SIZE, spanMs: SPAN_MS, highest })
  return (
    <svg className="spark" {...SIZE} viewBox={`0 0 ${SIZE.width} ${SIZE.height}`} aria-hidden="true" focusable="false">
      <polygon className="spark-area" points={areaBelow(line, SIZE.height)} />
      <polyline className="spark-line" points={line} />
    </svg>
  )
}
