// Keeps every <time data-form> current, in the words of src/core/for-browsers/time-words.ts; exact and local on hover.
const MINUTE = 60
const HOUR = 60 * MINUTE
const DAY = 24 * HOUR

/** @param {number} seconds */
export function spanWords(seconds) {
  const span = Math.max(0, Math.round(seconds))
  if (span < MINUTE) return `${span} s`
  if (span < HOUR) return `${Math.floor(span / MINUTE)} min`
  if (span < 2 * DAY) return `${Math.floor(span / HOUR)} h`
  return `${Math.floor(span / DAY)} days`
}

/** @param {number} seconds since then; negative for what lies ahead */
export function agoWords(seconds) {
  if (Math.abs(seconds) < 10) return 'just now'
  return seconds > 0 ? `${spanWords(seconds)} ago` : `in ${spanWords(-seconds)}`
}

/** @param {number} seconds */
export function elapsedWords(seconds) {
  const total = Math.max(0, Math.floor(seconds))
  const hours = Math.floor(total / HOUR)
  const minutes = Math.floor((total % HOUR) / MINUTE)
  const rest = String(total % MINUTE).padStart(2, '0')
  return hours > 0 ? `${hours}:${String(minutes).padStart(2, '0')}:${rest}` : `${minutes}:${rest}`
}

const words = { ago: agoWords, span: spanWords, elapsed: elapsedWords }

/** @param {ParentNode} within */
export function refreshTimes(within = globalThis.document) {
  for (const element of within.querySelectorAll('time[data-form]')) {
    const moment = new Date(element.dateTime)
    const say = words[element.dataset.form]
    const text = say ? say((Date.now() - moment.getTime()) / 1000) : moment.toLocaleTimeString()
    if (element.textContent !== text) element.textContent = text
    if (!element.dataset.local) {
      element.dataset.local = 'yes'
      element.title = moment.toLocaleString(undefined, { dateStyle: 'medium', timeStyle: 'long' })
    }
  }
}

if (globalThis.document) {
  refreshTimes()
  setInterval(refreshTimes, 1000)
}
