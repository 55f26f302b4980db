import { styleText } from 'node:util'
import type { LogLine } from './child-log.ts'

/** What `orrery start` tells the person before it: few lines, plain where it is not a terminal. */
export interface Terminal {
  line(text?: string): void
  /** `  data     /var/lib/orrery` */
  fact(name: string, value: string): void
  warn(text: string): void
  /** Something that takes a while: one line that changes on a terminal, few lines elsewhere. */
  progress(step: string, done?: number, total?: number): void
  progressDone(): void
  /** A line of a child's log. */
  log(child: string, line: LogLine): void
}

interface Output {
  readonly isTTY?: boolean
  readonly columns?: number
  write(text: string): unknown
}

export function terminal(output: Output): Terminal {
  const live = output.isTTY === true
  const style = (format: Parameters<typeof styleText>[0], text: string) =>
    live ? styleText(format, text, { validateStream: false }) : text
  let shownStep = ''
  let shownShare = 0

  const line = (text = '') => output.write(`${live ? '\r\x1b[K' : ''}${text}\n`)
  return {
    line,
    fact: (name, value) => line(`  ${style('dim', name.padEnd(10))} ${value}`),
    warn: text => line(`  ${style('yellow', 'Note')}       ${text}`),
    progress(step, done, total) {
      const share = done && total ? done / total : 0
      const text = done === undefined ? `${step} ...` : `${step}: ${done} of about ${total}`
      if (live) return void output.write(`\r\x1b[K  ${text.slice(0, (output.columns ?? 80) - 3)}`)
      // Where lines stay, a new step and each further quarter are news.
      if (step === shownStep && share - shownShare < 0.25) return
      shownStep = step
      shownShare = share
      line(`  ${text}`)
    },
    progressDone: () => void (live && output.write('\r\x1b[K')),
    log(child, { level, text, fields }) {
      const time = new Date().toTimeString().slice(0, 8)
      const word = level >= 50 ? style('red', 'error ') : level >= 40 ? style('yellow', 'warning ') : ''
      line(`${style('dim', `${time} ${child.padEnd(8)}`)} ${word}${text}${fields ? ` ${style('dim', fields)}` : ''}`)
    },
  }
}
