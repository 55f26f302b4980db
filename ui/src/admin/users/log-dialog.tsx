/** What a server prints, as it prints it. */
import { useEffect, useRef, useState } from 'react'
import { page } from '../../lib/page.ts'
import { Dialog } from '../parts/dialog.tsx'
import { serverTitle } from './server-phase.ts'

/** Signs; what is older goes. */
const LONGEST = 400_000

export function LogDialog({ user, name, onClose }: { user: string; name: string; onClose: () => void }) {
  const [text, setText] = useState('')
  const [words, setWords] = useState('')
  const [isPaused, pause] = useState(false)
  const box = useRef<HTMLPreElement>(null)
  const held = useRef({ isPaused: false, text: '' })
  const path = name === '' ? 'server' : `servers/${encodeURIComponent(name)}`
  const url = `${page.hubUrl}api/users/${encodeURIComponent(user)}/${path}/log`

  useEffect(() => {
    const stream = new EventSource(`${url}/events?_xsrf=${encodeURIComponent(page.xsrf)}`)
    let isFresh = true
    const take = (replaces: boolean, mark: string) => (event: MessageEvent<string>) => {
      const news = mark + (JSON.parse(event.data) as { text: string }).text
      if (held.current.isPaused && !replaces) {
        held.current.text = (held.current.text + news).slice(-LONGEST)
        return setWords('Paused; there is more.')
      }
      const isFirst = isFresh
      isFresh = false
      setText(before => (replaces || isFirst ? news : before + news).slice(-LONGEST))
    }
    stream.onmessage = take(false, '')
    stream.addEventListener('replace', take(true, ''))
    stream.addEventListener('lost', take(false, '[…]\n'))
    stream.addEventListener('end', () => {
      stream.close()
      setWords('The server does not run any more.')
    })
    // A stream that broke comes back by itself; one that was refused does not.
    stream.onerror = () => stream.readyState === EventSource.CLOSED && setWords('There is no log to show.')
    return () => stream.close()
  }, [url])

  useEffect(() => {
    const pre = box.current
    if (pre && text !== '') pre.scrollTop = pre.scrollHeight
  }, [text])

  function toggle(): void {
    const rest = held.current.text
    held.current = { isPaused: !isPaused, text: '' }
    if (isPaused) setText(before => (before + rest).slice(-LONGEST))
    setWords(isPaused ? '' : 'Paused.')
    pause(!isPaused)
  }

  const title = `Log of ${serverTitle(user, { name, display_name: '' })}`
  return (
    <Dialog title={title} onClose={onClose}>
      <div className="log-box">
        <div className="log-tools">
          <button
            type="button"
            className="button button-small"
            aria-pressed={isPaused}
            onClick={toggle}
            data-first-focus
          >
            Pause
          </button>
          <a className="button button-small" href={pageUrl(user, name, '?download=1')} download>
            Download
          </a>
          <a className="button button-small button-quiet" href={pageUrl(user, name, '')}>
            On a page of its own
          </a>
          <span className="muted" role="status">
            {words}
          </span>
        </div>
        {/* biome-ignore lint/a11y/noNoninteractiveTabindex: what scrolls must be reached with the keyboard */}
        <pre ref={box} role="log" aria-label={title} tabIndex={0}>
          {text}
        </pre>
      </div>
    </Dialog>
  )
}

function pageUrl(user: string, name: string, query: string): string {
  return `${page.hubUrl}server-log/${[user, name].filter(Boolean).map(encodeURIComponent).join('/')}${query}`
}
