/** Doing one thing to many: first what it means, then how it goes on, then which failed and why. */
import { type ReactNode, useRef, useState } from 'react'
import { counted } from '../../lib/counted.ts'
import { type Outcome, runMany } from '../../lib/run-many.ts'
import { Dialog } from '../parts/dialog.tsx'
import { Icon } from '../parts/icon.tsx'
import { toast } from '../parts/toasts.tsx'

interface BulkDialogProps<T> {
  readonly title: string
  /** What the button says: `Stop 3 servers`. */
  readonly confirm: string
  readonly items: readonly T[]
  readonly labelOf: (item: T) => string
  readonly action: (item: T) => Promise<unknown>
  /** `3 servers stopped.` */
  readonly doneText: (count: number) => string
  readonly isDangerous?: boolean
  /** Typed before the button works. */
  readonly typeToConfirm?: string | undefined
  /** Called after each round; with what failed. */
  readonly onEnd: (outcome: Outcome<T>) => void
  readonly onClose: () => void
  readonly children: ReactNode
}

export function BulkDialog<T>(props: BulkDialogProps<T>) {
  const { items, labelOf, typeToConfirm } = props
  const [running, setRunning] = useState<{ all: number; finished: number }>()
  const [outcome, setOutcome] = useState<Outcome<T>>()
  const [typed, setTyped] = useState('')
  const stop = useRef(new AbortController())
  const isSure = typeToConfirm === undefined || typed.trim() === typeToConfirm

  async function run(these: readonly T[]): Promise<void> {
    stop.current = new AbortController()
    setRunning({ all: these.length, finished: 0 })
    const result = await runMany(these, props.action, {
      signal: stop.current.signal,
      onProgress: finished => setRunning({ all: these.length, finished }),
    })
    setRunning(undefined)
    props.onEnd(result)
    if (result.done.length > 0) toast({ kind: 'success', text: props.doneText(result.done.length) })
    if (result.failed.length === 0) props.onClose()
    else setOutcome(result)
  }

  function close(): void {
    stop.current.abort()
    props.onClose()
  }

  return (
    <Dialog title={props.title} onClose={close}>
      {running ? (
        <div className="stack" role="status">
          <progress max={running.all} value={running.finished} aria-label="Progress" />
          <p className="muted">
            {running.finished.toLocaleString('en')} of {running.all.toLocaleString('en')} done
          </p>
          <div className="actions dialog-actions">
            <button type="button" className="button" onClick={() => stop.current.abort()}>
              Stop after these
            </button>
          </div>
        </div>
      ) : outcome ? (
        <div className="stack">
          <div className="notice notice-error" role="alert">
            <Icon name="failed" />
            <p>
              {counted(outcome.failed.length, 'failure')}
              {outcome.done.length > 0 && `, ${outcome.done.length.toLocaleString('en')} done`}.
            </p>
          </div>
          <ul className="loss-list" aria-label="What failed">
            {outcome.failed.map(({ item, error }) => (
              <li key={labelOf(item)}>
                <strong>{labelOf(item)}</strong> <span>{error.message}</span>
              </li>
            ))}
          </ul>
          <div className="actions dialog-actions">
            <button type="button" className="button" onClick={close}>
              Close
            </button>
            <button
              type="button"
              className="button button-primary"
              onClick={() => run(outcome.failed.map(({ item }) => item))}
            >
              Try again
            </button>
          </div>
        </div>
      ) : (
        <form
          className="stack"
          onSubmit={event => {
            event.preventDefault()
            if (isSure && items.length > 0) void run(items)
          }}
        >
          {props.children}
          {typeToConfirm !== undefined && (
            <div className="field">
              <label htmlFor="type-to-confirm">
                Type <strong>{typeToConfirm}</strong> to confirm
              </label>
              <input
                id="type-to-confirm"
                data-first-focus
                value={typed}
                onChange={event => setTyped(event.target.value)}
                autoComplete="off"
                autoCapitalize="off"
                spellCheck={false}
              />
            </div>
          )}
          <div className="actions dialog-actions">
            <button
              type="button"
              className="button"
              onClick={close}
              data-first-focus={typeToConfirm === undefined ? '' : undefined}
            >
              Cancel
            </button>
            <button
              type="submit"
              className={`button ${props.isDangerous ? 'button-danger' : 'button-primary'}`}
              disabled={!isSure || items.length === 0}
            >
              {props.confirm}
            </button>
          </div>
        </form>
      )}
    </Dialog>
  )
}
