/** Findings for people: one line each, the next step below it. */
import { styleText } from 'node:util'
import type { Report } from '../features/doctor/report.ts'
import type { Check, Finding, Level } from './check.ts'

const WORDS: Readonly<Record<Level, string>> = { ok: 'ok', skipped: 'skipped', warning: 'warning', failure: 'failure' }
const COLOURS = { ok: 'green', skipped: 'dim', warning: 'yellow', failure: 'red' } as const
const INDENT = ' '.repeat(10)

/** `colours`: the reader is a terminal. Words say the same. */
export function findingsText(
  checks: readonly Check[],
  findings: readonly Finding[],
  { colours }: { colours: boolean },
): string {
  const style = (format: Parameters<typeof styleText>[0], text: string) =>
    colours ? styleText(format, text, { validateStream: false }) : text
  const lines: string[] = []
  for (const { id, title } of checks) {
    const own = findings.filter(finding => finding.check === id)
    if (own.length === 0) continue
    lines.push('', `${style('bold', title)} ${style('dim', `(${id})`)}`)
    for (const { level, message, nextStep } of own) {
      lines.push(
        `  ${style(COLOURS[level], WORDS[level].padEnd(INDENT.length - 2))}${message.replaceAll('\n', `\n${INDENT}`)}`,
      )
      if (nextStep) lines.push(`${INDENT}${style('dim', `-> ${nextStep}`)}`)
    }
  }
  return lines.slice(1).join('\n')
}

export function summaryText({ counts }: Report): string {
  const words = [
    `${counts.ok} ok`,
    counts.warning === 1 ? '1 warning' : `${counts.warning} warnings`,
    counts.failure === 1 ? '1 failure' : `${counts.failure} failures`,
    ...(counts.skipped > 0 ? [`${counts.skipped} could not be looked at`] : []),
  ]
  return `${words.join(', ')}.`
}
