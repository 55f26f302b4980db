import { useSyncExternalStore } from 'react'
import { agoWords, spanWords } from '../../../../src/core/for-browsers/time-words.ts'

const TICK_MS = 10_000
const listeners = new Set<() => void>()
let now = Date.now()
let timer: ReturnType<typeof setInterval> | undefined

/** One clock for all rows. */
function subscribe(listener: () => void): () => void {
  listeners.add(listener)
  timer ??= setInterval(() => {
    now = Date.now()
    for (const each of listeners) each()
  }, TICK_MS)
  return () => {
    listeners.delete(listener)
    if (listeners.size > 0) return
    clearInterval(timer)
    timer = undefined
  }
}

const MINUTE = 60

/** For a column: every row is a moment ago, so seconds would only flicker. */
const roughAgoWords = (seconds: number) => (seconds >= 0 && seconds < MINUTE ? 'just now' : agoWords(seconds))

const forms = { ago: agoWords, rough: roughAgoWords, span: spanWords }

/** `12 min ago`; exact and local on hover. */
export function TimeAgo({
  at,
  form = 'ago',
  never = 'Never',
}: {
  at: string | null | undefined
  form?: keyof typeof forms
  never?: string
}) {
  const seen = useSyncExternalStore(subscribe, () => now)
  if (!at) return <span className="muted">{never}</span>
  const moment = new Date(at)
  return (
    <time dateTime={at} title={moment.toLocaleString(undefined, { dateStyle: 'medium', timeStyle: 'long' })}>
      {forms[form]((Math.max(seen, Date.now() - TICK_MS) - moment.getTime()) / 1000)}
    </time>
  )
}
