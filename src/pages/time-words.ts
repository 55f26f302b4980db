/**
 * Times as people say them: "just now", "12 min ago", "in 3 days". The browser's `times.js` says the same words and
 * keeps them current.
 */
const MINUTE = 60
const HOUR = 60 * MINUTE
const DAY = 24 * HOUR

/** A span without direction: `41 s`, `12 min`, `3 h`, `5 days`. */
export function spanWords(seconds: number): string {
  const span = Math.max(0, Math.round(seconds))
  if (span < MINUTE) return `${span} s`
  if (span < HOUR) return `${Math.floor(span / MINUTE)} min`
  if (span < 2 * DAY) return `${Math.floor(span / HOUR)} h`
  return `${Math.floor(span / DAY)} days`
}

/** Seen from `now`: `just now`, `12 min ago`, `in 3 days`. */
export function agoWords(date: Date, now: Date): string {
  const seconds = (now.getTime() - date.getTime()) / 1000
  if (Math.abs(seconds) < 10) return 'just now'
  return seconds > 0 ? `${spanWords(seconds)} ago` : `in ${spanWords(-seconds)}`
}

/** A stop watch: `0:41`, `12:03`, `1:02:03`. */
export function elapsedWords(since: Date, now: Date): string {
  const total = Math.max(0, Math.floor((now.getTime() - since.getTime()) / 1000))
  const hours = Math.floor(total / HOUR)
  const minutes = Math.floor((total % HOUR) / MINUTE)
  const seconds = String(total % MINUTE).padStart(2, '0')
  return hours > 0 ? `${hours}:${String(minutes).padStart(2, '0')}:${seconds}` : `${minutes}:${seconds}`
}

// Making one costs more than the rest of a page.
const exact = new Intl.DateTimeFormat('en-GB', { dateStyle: 'medium', timeStyle: 'medium', timeZone: 'UTC' })

/** The exact moment, for hovering: `22 Nov 2026, 04:29:14 UTC`. */
export function exactWords(date: Date): string {
  return `${exact.format(date)} UTC`
}
