/**
 * Times as people say them: "just now", "12 min ago", "in 3 days". The browser program of the admin pages uses these
 * functions too; `pages/static/js/times.js` says the same words and keeps them current.
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

/** Seconds since then, negative for what lies ahead: `just now`, `12 min ago`, `in 3 days`. */
export function agoWords(seconds: number): string {
  if (Math.abs(seconds) < 10) return 'just now'
  return seconds > 0 ? `${spanWords(seconds)} ago` : `in ${spanWords(-seconds)}`
}

/** A stop watch: `0:41`, `12:03`, `1:02:03`. */
export function elapsedWords(seconds: number): string {
  const total = Math.max(0, Math.floor(seconds))
  const hours = Math.floor(total / HOUR)
  const minutes = Math.floor((total % HOUR) / MINUTE)
  const rest = String(total % MINUTE).padStart(2, '0')
  return hours > 0 ? `${hours}:${String(minutes).padStart(2, '0')}:${rest}` : `${minutes}:${rest}`
}
