import { appendFileSync, existsSync, renameSync, statSync } from 'node:fs'

const MAX_BYTES = 10 * 1024 * 1024
const KEPT = 5

export interface LogLine {
  /** pino's numbers: 30 info, 40 warn, 50 error. */
  readonly level: number
  readonly text: string
  /** `user=ada ms=12` */
  readonly fields: string
}

/** Appends to a file, which is turned over when it is large: `hub.log`, `hub.log.1` ... */
export function logFile(path: string): (line: string) => void {
  let size = existsSync(path) ? statSync(path).size : 0
  return line => {
    if (size > MAX_BYTES) {
      for (let number = KEPT - 1; number >= 1; number--) moveIfThere(`${path}.${number}`, `${path}.${number + 1}`)
      moveIfThere(path, `${path}.1`)
      size = 0
    }
    try {
      appendFileSync(path, `${line}\n`, { mode: 0o640 })
      size += Buffer.byteLength(line) + 1
    } catch {
      // A full disk must not end what is running; the line was shown on the terminal if it mattered.
    }
  }
}

function moveIfThere(from: string, to: string): void {
  if (existsSync(from)) renameSync(from, to)
}

const COMMON_FIELDS = new Set(['level', 'time', 'msg', 'name', 'v', 'err'])

/** A line of a child: pino's JSON, or plain text such as a crash of Node, which is taken as an error. */
export function parseLogLine(line: string): LogLine {
  try {
    const entry = JSON.parse(line)
    if (typeof entry === 'object' && entry !== null && typeof entry.level === 'number') {
      const fields = Object.entries(entry)
        .filter(([name, value]) => !COMMON_FIELDS.has(name) && typeof value !== 'object')
        .map(([name, value]) => `${name}=${value}`)
      if (entry.err?.message) fields.push(`(${entry.err.message})`)
      return { level: entry.level, text: String(entry.msg ?? ''), fields: fields.join(' ') }
    }
  } catch {
    // Not JSON.
  }
  return { level: 50, text: line, fields: '' }
}
