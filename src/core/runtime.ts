/** What pure rules and stores are handed from outside, so that tests can hand them something else. */

/** The subset of pino that the project uses: `log.info({ user, ms }, 'server ready')`. */
export interface Logger {
  debug(fields: object, message: string): void
  info(fields: object, message: string): void
  warn(fields: object, message: string): void
  error(fields: object, message: string): void
  child(fields: object): Logger
  /** Absent: whoever asks logs and lets the logger decide. */
  isLevelEnabled?(level: 'debug' | 'info'): boolean
}

/** The wall clock. Tests advance their own. */
export interface Clock {
  now(): Date
}

export const systemClock: Clock = { now: () => new Date() }

export const silentLogger: Logger = {
  debug: () => {},
  info: () => {},
  warn: () => {},
  error: () => {},
  child: () => silentLogger,
}

/** Runs a task that nobody awaits; its failure is logged instead of lost. */
export function background(task: Promise<unknown>, name: string, log: Logger): void {
  task.catch(error => log.error({ err: error, task: name }, 'background task failed'))
}

export type Json = null | boolean | number | string | Json[] | { [key: string]: Json }

/** What a function of the site's own may give back. */
export type MaybePromise<T> = T | Promise<T>
