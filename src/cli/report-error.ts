import { CommanderError } from 'commander'
import { HubError } from '../core/errors.ts'
import { EXIT_CODES, exitStatusOf } from './exit-codes.ts'

interface ReportOptions {
  /** Print the stack, for developers. */
  readonly debug: boolean
  write(text: string): void
}

/** Tells an error in a sentence or two on standard error and returns the exit status. */
export function reportError(error: unknown, options: ReportOptions): number {
  if (error instanceof CommanderError) {
    // Commander has written its message; help and version are no errors.
    return error.exitCode === 0 ? EXIT_CODES.ok.status : EXIT_CODES.usage.status
  }
  options.write(`orrery: ${messageOf(error)}\n`)
  if (error instanceof HubError && error.nextStep) options.write(`        ${error.nextStep}\n`)
  if (options.debug && error instanceof Error) {
    options.write(`${error.stack}\n`)
    if (error.cause instanceof Error) options.write(`caused by ${error.cause.stack}\n`)
    if (error instanceof HubError && error.detail) options.write(`${JSON.stringify(error.detail, undefined, 2)}\n`)
  }
  return exitStatusOf(error)
}

/** One or more lines, for a terminal and logs. */
export function messageOf(error: unknown): string {
  if (error instanceof HubError) return withDatabase(error)
  const text = error instanceof Error ? error.message : String(error)
  return `${text} (--debug shows where)`
}

/** Which database it is about, which a web page is not told. */
function withDatabase({ message, detail }: HubError): string {
  return typeof detail?.database === 'string' ? `${message.replace(/\.$/, '')} (${detail.database}).` : message
}
