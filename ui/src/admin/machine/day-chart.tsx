import { type PointerEvent, useState } from 'react'
import { areaBelow, type SparkPoint } from '../../../../src/core/for-browsers/sparkline.ts'
import { DAY_MS, dayLines, hourly, pointAt } from './day.ts'

const SIZE = { width: 960, height: 160 }

interface DayChartProps {
  readonly title: string
  readonly points: readonly SparkPoint[]
  readonly now: Date
  /** The top of the chart. */
  readonly highest: number
  readonly words: (value: number) => string
  /** Default: from the words of the least to those of the most. */
  readonly rangeWords?: (least: number, most: number) => string
}

/** One figure over the last day: a line, what it was under the pointer, and the same as a table. */
export function DayChart({ title, points, now, highest, words, rangeWords }: DayChartProps) {
  const [pointed, point] = useState<SparkPoint>()
  const lines = dayLines(points, { ...SIZE, now, highest })
  const values = points.map(({ value }) => value)
  const [least, most] = [Math.min(...values), Math.max(...values)]
  const range = rangeWords?.(least, most) ?? `between ${words(least)} and ${words(most)}`

  function onPointer(event: PointerEvent<SVGSVGElement>): void {
    const { left, width } = event.currentTarget.getBoundingClientRect()
    point(pointAt(points, (event.clientX - left) / width, now))
  }

  return (
    <figure className="day-chart">
      <figcaption>
        <span>{title}</span>
        <span className="muted">{pointed ? `${clock(pointed.at)}: ${words(pointed.value)}` : range}</span>
      </figcaption>
      <p className="chart-top muted" aria-hidden="true">
        {words(highest)}
      </p>
      <svg
        viewBox={`0 0 ${SIZE.width} ${SIZE.height}`}
        preserveAspectRatio="none"
        role="img"
        aria-label={`${title} over the last day: ${range}`}
        onPointerMove={onPointer}
        onPointerLeave={() => point(undefined)}
      >
        <line className="chart-grid" x1="0" x2={SIZE.width} y1={SIZE.height / 2} y2={SIZE.height / 2} />
        {lines.map(line => (
          <g key={line}>
            <polygon className="spark-area" points={areaBelow(line, SIZE.height)} />
            <polyline className="spark-line" points={line} />
          </g>
        ))}
        {pointed && <PointedAt at={pointed.at} now={now} />}
      </svg>
      <p className="chart-times muted" aria-hidden="true">
        <span>{clock(new Date(now.getTime() - DAY_MS))} yesterday</span>
        <span>{clock(new Date(now.getTime() - DAY_MS / 2))}</span>
        <span>{clock(now)}</span>
      </p>
      <HourTable title={title} points={points} words={words} />
    </figure>
  )
}

function PointedAt({ at, now }: { at: Date; now: Date }) {
  const x = SIZE.width * (1 - (now.getTime() - at.getTime()) / DAY_MS)
  return <line className="chart-pointed" x1={x} x2={x} y1="0" y2={SIZE.height} />
}

function HourTable({ title, points, words }: Pick<DayChartProps, 'title' | 'points' | 'words'>) {
  return (
    <details>
      <summary>As a table</summary>
      <table>
        <caption className="visually-hidden">{title}, means by the hour</caption>
        <thead>
          <tr>
            <th scope="col">Hour from</th>
            <th scope="col">{title}</th>
          </tr>
        </thead>
        <tbody>
          {hourly(points).map(({ begin, value }) => (
            <tr key={begin.getTime()}>
              <th scope="row">
                <time dateTime={begin.toISOString()}>{clock(begin)}</time>
              </th>
              <td>{words(value)}</td>
            </tr>
          ))}
        </tbody>
      </table>
    </details>
  )
}

function clock(at: Date): string {
  return at.toLocaleTimeString(undefined, { hour: '2-digit', minute: '2-digit' })
}
