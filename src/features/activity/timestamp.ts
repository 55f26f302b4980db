/** Timestamps of clients: kept to the microsecond as texts of the database, which sort like the moments they name. */
import { HubError } from '../../core/errors.ts'
import { printable } from '../../core/names.ts'
import { toDbTime } from '../../db/db-time.ts'

const ISO_8601 =
  /^(\d{4})-?(\d\d)-?(\d\d)(?:[T ](\d\d)(?::?(\d\d)(?::?(\d\d)(?:[.,](\d{1,9}))?)?)?\s*(Z|[+-]\d\d(?::?\d\d)?)?)?$/i
const FURTHEST_FUTURE_MS = 59 * 60_000

/**
 * A moment as `YYYY-MM-DD HH:MM:SS.ffffff` in UTC; without a zone it is UTC already. Throws HubError 400 for anything
 * that is no ISO 8601 timestamp, and for times more than 59 minutes ahead, as JupyterHub does.
 */
export function parseTimestamp(value: unknown, now: Date): string {
  const match = typeof value === 'string' ? ISO_8601.exec(value.trim()) : null
  if (!match) throw notATimestamp(value)
  const [, year, month, day, hour = '00', minute = '00', second = '00', fraction = '', zone = 'Z'] = match
  const ms = Date.parse(`${year}-${month}-${day}T${hour}:${minute}:${second}Z`) - offsetMs(zone)
  if (Number.isNaN(ms)) throw notATimestamp(value)
  const micros = fraction.padEnd(6, '0').slice(0, 6)
  const at = `${toDbTime(new Date(ms)).slice(0, -6)}${micros}`
  if (ms - now.getTime() > FURTHEST_FUTURE_MS) {
    throw new HubError('activity_in_future', {
      status: 400,
      message: `Rejecting activity from more than an hour in the future: ${at.replace(' ', 'T')}Z`,
    })
  }
  return at
}

function offsetMs(zone: string): number {
  const match = /^([+-])(\d\d):?(\d\d)?$/.exec(zone)
  if (!match) return 0
  const minutes = Number(match[2]) * 60 + Number(match[3] ?? 0)
  return (match[1] === '-' ? -1 : 1) * minutes * 60_000
}

function notATimestamp(value: unknown): HubError {
  const shown = typeof value === 'string' ? `'${printable(value)}'` : JSON.stringify(value)
  return new HubError('invalid_timestamp', { status: 400, message: `Not a valid timestamp: ${shown}` })
}
