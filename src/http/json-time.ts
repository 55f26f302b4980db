/**
 * A time of the database as JupyterHub's API writes it: ISO 8601 in UTC with `Z`, microseconds unless there are none.
 * It stays text, because a Date would lose the microseconds that JupyterHub wrote.
 */
export function jsonTime(dbTime: string | null | undefined): string | null {
  if (!dbTime) return null
  // As both hubs write it: `2026-01-02 03:04:05.678000`.
  if (dbTime.length === 26) {
    return `${dbTime.slice(0, 10)}T${dbTime.endsWith('.000000') ? dbTime.slice(11, 19) : dbTime.slice(11)}Z`
  }
  const [seconds = '', fraction = ''] = dbTime.replace(' ', 'T').split('.')
  const micros = fraction.padEnd(6, '0').slice(0, 6)
  return micros === '000000' ? `${seconds}Z` : `${seconds}.${micros}Z`
}
