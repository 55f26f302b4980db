/** Times as people say them, in the words of the pages that the server renders. */
const MINUTE = 60
const HOUR = 60 * MINUTE
const DAY = 24 * HOUR

export function spanWords(seconds: number): string {
  const span = Math.max(0, Math.round(seconds))
  if (span < MINUTE) return `${span} s`
  if (span < HOUR) return `${Math.floor(span / MINUTE)} min`
  if (span < 2 * DAY) return `${Math.floor(span / HOUR)} h`
  return `${Math.floor(span / DAY)} days`
}

/** Negative seconds lie ahead. */
export function agoWords(seconds: number): string {
  if (Math.abs(seconds) < 10) return 'just now'
  return seconds > 0 ? `${spanWords(seconds)} ago` : `in ${spanWords(-seconds)}`
}

/** For a column: every row is a moment ago, so seconds would only flicker. */
export function roughAgoWords(seconds: number): string {
  if (seconds >= 0 && seconds < MINUTE) return 'just now'
  return agoWords(seconds)
}
