/** Filters for templates: the few of Jinja's that nunjucks lacks, and the hub's own ways of saying a time. */
import nunjucks from 'nunjucks'
import { agoWords, elapsedWords, spanWords } from '../core/for-browsers/time-words.ts'
import type { Clock } from '../core/runtime.ts'

export function addFilters(environment: nunjucks.Environment, clock: Clock): void {
  const seconds = (from: Date, to: Date) => (to.getTime() - from.getTime()) / 1000
  const element = (date: Date, form: string, text: string) =>
    safe(`<time datetime="${date.toISOString()}" data-form="${form}" title="${exactWords(date)}">${text}</time>`)
  const sinceThen = (form: string, words: (seconds: number) => string) => (date: unknown) =>
    date instanceof Date ? element(date, form, words(seconds(date, clock.now()))) : ''

  environment.addFilter('ago', sinceThen('ago', agoWords))
  environment.addFilter('span', sinceThen('span', spanWords))
  environment.addFilter('elapsed', sinceThen('elapsed', elapsedWords))
  environment.addFilter('elapsed_since', (date, since) =>
    date instanceof Date && since instanceof Date ? elapsedWords(seconds(since, date)) : '',
  )
  environment.addFilter('clock', date =>
    date instanceof Date ? element(date, 'clock', date.toISOString().slice(11, 19)) : '',
  )
  environment.addFilter('capitalize_first', (text: unknown) => String(text).replace(/^./, sign => sign.toUpperCase()))
  environment.addFilter('tojson', value => safe(htmlSafeJson(value)))
  environment.addFilter('unique', (values: Iterable<unknown>) => [...new Set(values)])
  environment.addFilter('count', (values: { length: number }) => values.length)
  environment.addFilter('map', mapFilter)
  environment.addFilter('items', (value: object) => Object.entries(value))
  environment.addFilter('min', (values: Iterable<number>) => Math.min(...values))
  environment.addFilter('max', (values: Iterable<number>) => Math.max(...values))
  environment.addFilter('code_spans', (text: unknown) =>
    safe(escaped(String(text)).replace(/`([^`]*)`/g, '<code>$1</code>')),
  )
  environment.addFilter('path', (text: unknown) => encodeURIComponent(String(text)))
}

// Making one costs more than the rest of a page.
const exact = new Intl.DateTimeFormat('en-GB', { dateStyle: 'medium', timeStyle: 'medium', timeZone: 'UTC' })

/** The exact moment, for hovering: `22 Nov 2026, 04:29:14 UTC`. */
function exactWords(date: Date): string {
  return `${exact.format(date)} UTC`
}

function escaped(text: string): string {
  const escapes: Record<string, string> = { '<': '&lt;', '>': '&gt;', '&': '&amp;', '"': '&quot;', "'": '&#39;' }
  return text.replace(/[<>&"']/g, sign => escapes[sign]!)
}

function safe(html: string): unknown {
  return new nunjucks.runtime.SafeString(html)
}

// Jinja's tojson is safe inside HTML and inside a quoted-by-' attribute; so is this.
function htmlSafeJson(value: unknown): string {
  const escapes: Record<string, string> = { '<': '\\u003c', '>': '\\u003e', '&': '\\u0026', "'": '\\u0027' }
  return (JSON.stringify(value) ?? 'null').replace(/[<>&']/g, sign => escapes[sign]!)
}

/** Jinja's `map(attribute='x')`, the form seen in templates. */
function mapFilter(values: Iterable<Record<string, unknown>>, options?: { attribute?: string }): unknown[] {
  const attribute = options?.attribute
  return attribute === undefined ? [...values] : [...values].map(value => value[attribute])
}
