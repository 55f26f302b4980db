/** Filters for templates: the few of Jinja's that nunjucks lacks, and the hub's own ways of saying a time. */
import nunjucks from 'nunjucks'
import type { Clock } from '../core/runtime.ts'
import { agoWords, elapsedWords, exactWords, spanWords } from './time-words.ts'

export function addFilters(environment: nunjucks.Environment, clock: Clock): void {
  const time = (date: unknown, words: (moment: Date) => string, form: string) => {
    if (!(date instanceof Date)) return ''
    const iso = date.toISOString()
    return safe(`<time datetime="${iso}" data-form="${form}" title="${exactWords(date)}">${words(date)}</time>`)
  }

  environment.addFilter('ago', date => time(date, moment => agoWords(moment, clock.now()), 'ago'))
  environment.addFilter('span', date =>
    time(date, moment => spanWords((clock.now().getTime() - moment.getTime()) / 1000), 'span'),
  )
  environment.addFilter('elapsed', date => time(date, moment => elapsedWords(moment, clock.now()), 'elapsed'))
  environment.addFilter('elapsed_since', (date, since) =>
    date instanceof Date && since instanceof Date ? elapsedWords(since, date) : '',
  )
  environment.addFilter('capitalize_first', (text: unknown) => String(text).replace(/^./, sign => sign.toUpperCase()))
  environment.addFilter('clock', date => time(date, moment => moment.toISOString().slice(11, 19), 'clock'))
  environment.addFilter('tojson', value => safe(htmlSafeJson(value)))
  environment.addFilter('unique', (values: Iterable<unknown>) => [...new Set(values)])
  environment.addFilter('count', (values: { length: number }) => values.length)
  environment.addFilter('map', mapFilter)
  environment.addFilter('items', (value: object) => Object.entries(value))
  environment.addFilter('min', (values: Iterable<number>) => Math.min(...values))
  environment.addFilter('max', (values: Iterable<number>) => Math.max(...values))
  environment.addFilter('path', (text: unknown) => encodeURIComponent(String(text)))
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
