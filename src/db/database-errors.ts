import { statfsSync } from 'node:fs'
import { dirname } from 'node:path'
import { HubError } from '../core/errors.ts'

/**
 * Turns what a database driver throws into a HubError with a stable code where an operator can do something about
 * it; anything else (a violated constraint, a wrong statement) is passed on as it is.
 */
export function translateDatabaseError(error: unknown, displayUrl: string): unknown {
  if (!(error instanceof Error) || error instanceof HubError) return error
  if (UNUSABLE_VALUES.includes(driverCode(error) ?? '')) return unusableValue(error)
  const fault = sqliteFault(error, displayUrl) ?? postgresFault(error)
  return fault ? databaseFault(fault, displayUrl, error) : error
}

/** The error that an operator is told for a kind of fault. */
export function databaseFault(fault: Fault, displayUrl: string, cause: unknown): HubError {
  const { code, message, nextStep } = FAULTS[fault]
  const { message: driver } = cause as Error // drivers and node:fs throw nothing else
  return new HubError(code, {
    status: 503,
    message,
    nextStep,
    detail: { database: displayUrl, driver, driverCode: driverCode(cause as Error) },
    cause,
  })
}

/** A text with a NUL or longer than its column, a number beyond it: PostgreSQL refuses what SQLite takes. */
const UNUSABLE_VALUES = ['22021', '22P05', '22001', '22003']

function unusableValue(cause: Error): HubError {
  return new HubError('value_unusable', {
    status: 400,
    message: 'A value in the request cannot be used: it is too long or too large, or holds a NUL character.',
    nextStep: 'Send a shorter one, or one without control characters.',
    detail: { driver: cause.message },
    cause,
  })
}

/** Was a row refused because one like it exists (UNIQUE or PRIMARY KEY)? */
export function isUniqueViolation(error: unknown): boolean {
  if (!(error instanceof Error)) return false
  const { errcode, code } = error as { errcode?: number; code?: string }
  return errcode === SQLITE_UNIQUE || errcode === SQLITE_PRIMARY_KEY || code === PG_UNIQUE
}

// https://www.sqlite.org/rescode.html: the low byte is the kind, the rest says more.
const SQLITE_UNIQUE = 2067
const SQLITE_PRIMARY_KEY = 1555
// https://www.postgresql.org/docs/current/errcodes-appendix.html
const PG_UNIQUE = '23505'

type Fault = 'locked' | 'full' | 'readonly' | 'corrupt' | 'unreachable' | 'refused'

const FAULTS: Record<Fault, { code: string; message: string; nextStep: string }> = {
  locked: {
    code: 'database_locked',
    message: 'The database is held by another process.',
    nextStep: 'Try again; if it stays so, look for another program that has the database file open.',
  },
  full: {
    code: 'disk_full',
    message: 'The disk that holds the database is full.',
    nextStep: 'Free space on it; nothing that was stored is lost.',
  },
  readonly: {
    code: 'database_readonly',
    message: 'The database cannot be written to.',
    nextStep: 'Give the hub write permission for the database file and its folder, or for the database.',
  },
  corrupt: {
    code: 'database_corrupt',
    message: 'The database file is damaged or is not a database.',
    nextStep: 'Restore it from a backup, or name another file in the database URL.',
  },
  unreachable: {
    code: 'database_unreachable',
    message: 'The database does not answer or cannot be opened.',
    nextStep: 'Check the database URL, and that the server runs or the folder of the file exists.',
  },
  refused: {
    code: 'database_refused',
    message: 'The database refuses the user, the password or the database name.',
    nextStep: 'Check the user, the password and the name in the database URL.',
  },
}

const SQLITE_FAULTS: Record<number, Fault> = {
  5: 'locked',
  6: 'locked',
  8: 'readonly',
  10: 'unreachable',
  11: 'corrupt',
  13: 'full',
  14: 'unreachable',
  26: 'corrupt',
}

function sqliteFault(error: Error, displayUrl: string): Fault | undefined {
  const { errcode } = error as { errcode?: number }
  const fault = errcode === undefined ? undefined : SQLITE_FAULTS[errcode & 0xff]
  // A log or an index of it for which there is no room is called a disk that fails, or a file that does not open.
  return fault === 'unreachable' && hasNoRoom(displayUrl) ? 'full' : fault
}

/** SQLite takes the index of its log in pieces of this size. */
const LEAST_ROOM_BYTES = 32 * 1024

function hasNoRoom(displayUrl: string): boolean {
  try {
    const { bavail, bsize, files, ffree } = statfsSync(dirname(displayUrl.replace(/^sqlite:\/\/\//, '')))
    return bavail * bsize < LEAST_ROOM_BYTES || (files > 0 && ffree === 0)
  } catch {
    return false // The folder does not exist.
  }
}

const NETWORK_CODES = [
  'ECONNREFUSED',
  'ECONNRESET',
  'ENOTFOUND',
  'ETIMEDOUT',
  'EHOSTUNREACH',
  'EPIPE',
  'EAI_AGAIN',
  'ENOENT',
]

function postgresFault(error: Error): Fault | undefined {
  const code = driverCode(error)
  if (code === undefined)
    return /Connection terminated|timeout exceeded/i.test(error.message) ? 'unreachable' : undefined
  if (NETWORK_CODES.includes(code)) return 'unreachable'
  if (code === '53100') return 'full'
  if (code === '25006') return 'readonly'
  if (code === '55P03' || code === '40P01') return 'locked'
  if (code === '3D000' || code.startsWith('28')) return 'refused'
  if (code.startsWith('08') || code.startsWith('57P') || code === '53300') return 'unreachable'
  return undefined
}

function driverCode(error: Error): string | undefined {
  const { code, errors } = error as { code?: unknown; errors?: unknown[] }
  // Node tries both address families of a name and wraps the refusals.
  if (code === undefined && errors?.[0] instanceof Error) return driverCode(errors[0])
  return typeof code === 'string' ? code : undefined
}
