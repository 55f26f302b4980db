import { pino } from 'pino'

/** pino's number; from here on a line is written at once. */
const WARN = 40
/** What `kill -9` or a crash of Node itself can lose of the lines below `warn`. */
const LONGEST_WAIT_MS = 100
const MOST_CHARACTERS = 32 * 1024

/** What pino writes to. With this mark it sets `lastLevel` before it calls `write`. */
export interface LogOutput {
  readonly [METADATA]: true
  lastLevel: number
  write(line: string): void
  /** Writes down what still waits. */
  flush(): void
}

const METADATA: unique symbol = Symbol.for('pino.metadata') as never // the name pino looks for

/**
 * Gathers lines for a moment: a system call for each costs a request more than all the rest of logging it. Warnings
 * and errors take all that waits along and go out at once, and so does what waits at the end of the process, be it by
 * `process.exit` or by an error that nobody caught.
 */
export function gatheredLog(write: (text: string) => void): LogOutput {
  let waiting = ''
  let timer: NodeJS.Timeout | undefined
  const output: LogOutput = {
    [METADATA]: true,
    lastLevel: 0,
    write(line) {
      waiting += line
      if (output.lastLevel >= WARN || waiting.length > MOST_CHARACTERS) output.flush()
      else timer ??= setTimeout(output.flush, LONGEST_WAIT_MS).unref()
    },
    flush() {
      clearTimeout(timer)
      timer = undefined
      const text = waiting
      waiting = ''
      if (text !== '') write(text)
    },
  }
  process.once('exit', output.flush)
  return output
}

/** Standard output; synchronous, so that a reader that is gone cannot hold up the end of the process. */
export function gatheredStdout(): LogOutput {
  const stdout = pino.destination({ fd: 1, sync: true })
  return gatheredLog(text => stdout.write(text))
}
