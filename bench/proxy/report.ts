/** Figures as a Markdown table, so that they can be kept. */
import { median } from '../process-cost.ts'
import { type Figure, MEASURES, type Target } from './measures.ts'
import { PROGRAMS, type Program } from './programs.ts'

export interface Row {
  readonly measure: string
  /** Medians; a program that cannot do this is not there. */
  readonly values: Readonly<Partial<Record<Program, number>>>
  readonly targets: readonly { readonly text: string; readonly limit: number; readonly reached: boolean }[]
}

export function rowsOf(figures: readonly Figure[]): Row[] {
  const medianOf = (measure: string, program: Program) => {
    const rounds = figures.filter(figure => figure.measure === measure && figure.program === program)
    return rounds.length === 0 ? undefined : median(rounds.map(({ value }) => value))
  }
  const limitOf = (measure: string, target: Target): [string, number | undefined] => {
    if ('atMost' in target) return [`${target.atMost}`, target.atMost]
    if ('of' in target) return [`${target.times} ${target.of}`, times(target.times, medianOf(measure, target.of))]
    return [
      `${target.times} ${target.ofMeasure.split(',')[0]}`,
      times(target.times, medianOf(target.ofMeasure, 'orrery')),
    ]
  }
  return Object.entries(MEASURES).flatMap(([measure, targets]) => {
    const values = Object.fromEntries(
      PROGRAMS.flatMap(program => {
        const value = medianOf(measure, program)
        return value === undefined ? [] : [[program, value]]
      }),
    ) as Row['values']
    const own = values.orrery
    if (own === undefined) return []
    const judged = targets.flatMap(target => {
      const [text, limit] = limitOf(measure, target)
      return limit === undefined ? [] : [{ text, limit, reached: own <= limit }]
    })
    return [{ measure, values, targets: judged }]
  })
}

export function printRows(rows: readonly Row[]): void {
  const head = ['', ...PROGRAMS, 'configurable-http-proxy / ours', 'ours / nginx', 'target: at most', 'reached']
  const cells = rows.map(({ measure, values, targets }) => [
    measure,
    ...PROGRAMS.map(program => shown(values[program])),
    ratio(values['configurable-http-proxy'], values.orrery),
    ratio(values.orrery, values.nginx),
    targets.map(({ text, limit }) => (text === `${limit}` ? text : `${text} = ${shown(limit)}`)).join(', '),
    targets.map(({ reached }) => (reached ? 'yes' : 'no')).join(', '),
  ])
  const widths = head.map((_, i) => Math.max(...[head, ...cells].map(line => line[i]!.length)))
  const line = (of: readonly string[]) =>
    `| ${of.map((cell, i) => (i === 0 || i > PROGRAMS.length + 2 ? cell.padEnd(widths[i]!) : cell.padStart(widths[i]!))).join(' | ')} |`
  const rule = `|${widths.map((width, i) => (i === 0 || i > PROGRAMS.length + 2 ? '-'.repeat(width + 2) : `${'-'.repeat(width + 1)}:`)).join('|')}|`
  console.log([line(head), rule, ...cells.map(line)].join('\n'))
}

const times = (factor: number, value: number | undefined) => (value === undefined ? undefined : factor * value)

const shown = (value: number | undefined) =>
  value === undefined ? '-' : value >= 100 ? value.toFixed(0) : value >= 10 ? value.toFixed(1) : value.toFixed(3)

const ratio = (a: number | undefined, b: number | undefined) =>
  a === undefined || b === undefined ? '' : `${(a / b).toFixed(2)}x`
