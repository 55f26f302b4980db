import { useEffect, useState, useSyncExternalStore } from 'react'
import { ApiError } from '../../api/client.ts'
import { Icon } from './icon.tsx'

export interface Toast {
  readonly kind: 'success' | 'error'
  readonly text: string
  readonly next?: string | undefined
  /** Takes back what was done. */
  readonly undo?: () => Promise<unknown>
}

type Shown = Toast & { readonly id: number }

const SHORT_MS = 6_000
/** Long enough to think about it. */
const WITH_UNDO_MS = 20_000

let shown: readonly Shown[] = []
let lastId = 0
const listeners = new Set<() => void>()

function update(next: readonly Shown[]): void {
  shown = next
  for (const listener of listeners) listener()
}

/** Says what was done. What failed stays until it is closed. */
export function toast(what: Toast): void {
  update([...shown.slice(-3), { ...what, id: ++lastId }])
}

export function toastError(error: unknown): void {
  const message = error instanceof Error ? error.message : String(error)
  toast({ kind: 'error', text: message, next: error instanceof ApiError ? error.nextStep : undefined })
}

function close(id: number): void {
  update(shown.filter(each => each.id !== id))
}

/** Two live regions that are always there, or screen readers would miss the first message. */
export function Toasts() {
  const all = useSyncExternalStore(
    listener => {
      listeners.add(listener)
      return () => listeners.delete(listener)
    },
    () => shown,
  )
  return (
    <div className="toasts">
      <div role="status" aria-live="polite">
        {all.map(each => each.kind === 'success' && <ToastLine key={each.id} toast={each} />)}
      </div>
      <div role="alert">{all.map(each => each.kind === 'error' && <ToastLine key={each.id} toast={each} />)}</div>
    </div>
  )
}

function ToastLine({ toast: { id, kind, text, next, undo } }: { toast: Shown }) {
  const [isHeld, hold] = useState(false)
  useEffect(() => {
    if (isHeld || kind === 'error') return
    const timer = setTimeout(() => close(id), undo ? WITH_UNDO_MS : SHORT_MS)
    return () => clearTimeout(timer)
  }, [isHeld, kind, id, undo])
  const takeBack = () => {
    close(id)
    undo?.().then(() => toast({ kind: 'success', text: 'Taken back.' }), toastError)
  }
  return (
    // biome-ignore lint/a11y/noStaticElementInteractions: it only waits while somebody looks at it
    <div
      className={`toast toast-${kind}`}
      onPointerEnter={() => hold(true)}
      onPointerLeave={() => hold(false)}
      onFocus={() => hold(true)}
      onBlur={() => hold(false)}
    >
      <Icon name={kind === 'success' ? 'done' : 'failed'} />
      <div>
        <p>{text}</p>
        {next && <p className="muted">{next}</p>}
      </div>
      {undo && (
        <button type="button" className="button button-small" onClick={takeBack}>
          Undo
        </button>
      )}
      <button type="button" className="icon-button" aria-label="Close message" onClick={() => close(id)}>
        <Icon name="close" />
      </button>
    </div>
  )
}
