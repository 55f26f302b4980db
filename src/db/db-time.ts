/**
 * Times in the database are JupyterHub's: naive UTC, as SQLAlchemy writes them into SQLite,
 * `YYYY-MM-DD HH:MM:SS.ffffff`. As texts of one length they sort and compare like the moments they name.
 */

/** `2026-01-02 03:04:05.678000` for that moment in UTC. */
export function toDbTime(date: Date): string {
  return `${date.toISOString().replace('T', ' ').slice(0, -1)}000`
}

/** Reads `toDbTime`'s format and shorter ones (no fraction, or fewer digits). Throws RangeError for anything else. */
export function fromDbTime(text: string): Date {
  const match = /^(\d{4}-\d\d-\d\d)[ T](\d\d:\d\d:\d\d)(?:\.(\d{1,9}))?$/.exec(text)
  if (!match) throw new RangeError(`not a database time: ${JSON.stringify(text)}`)
  return new Date(`${match[1]}T${match[2]}.${(match[3] ?? '').padEnd(3, '0').slice(0, 3)}Z`)
}

/** Brings what PostgreSQL prints (fractions without trailing zeros) to the one length. */
export function normalDbTime(text: string): string {
  const [seconds, fraction = ''] = text.split('.')
  return `${seconds}.${fraction.padEnd(6, '0').slice(0, 6)}`
}
