import { useState } from 'react'
import { counted, listed } from '../../lib/counted.ts'
import { Dialog } from '../parts/dialog.tsx'
import { ErrorNotice } from '../parts/notice.tsx'
import { toast } from '../parts/toasts.tsx'
import { type Added, addUsers, deleteUser, doEach, useActions } from './actions.ts'
import { parseNames } from './parse-names.ts'

export function AddUsersDialog({ mayGrantAdmin, onClose }: { mayGrantAdmin: boolean; onClose: () => void }) {
  const { changed } = useActions()
  const [text, setText] = useState('')
  const [admin, setAdmin] = useState(false)
  const [isBusy, setBusy] = useState(false)
  const [outcome, setOutcome] = useState<Added>()
  const [fault, setFault] = useState<unknown>()
  const names = parseNames(text)

  async function add(): Promise<void> {
    setBusy(true)
    setFault(undefined)
    try {
      const result = await addUsers(names, admin)
      if (result.added.length > 0) tell(result)
      if (result.failed.length === 0 && result.added.length > 0) return onClose()
      setOutcome(result)
      setText(result.failed.map(({ item }) => item).join('\n'))
    } catch (error) {
      setFault(error)
    } finally {
      setBusy(false)
      void changed()
    }
  }

  function tell({ added, existed }: Added): void {
    const known = existed.length > 0 ? ` ${listed(existed)} existed already.` : ''
    toast({
      kind: 'success',
      text: `Added ${added.length > 3 ? counted(added.length, 'user') : listed(added)}.${known}`,
      undo: () => doEach(added, deleteUser).finally(changed),
    })
  }

  return (
    <Dialog title="Add users" onClose={onClose}>
      <form
        className="stack"
        onSubmit={event => {
          event.preventDefault()
          if (names.length > 0 && !isBusy) void add()
        }}
      >
        {fault !== undefined && <ErrorNotice error={fault} />}
        {outcome && <AddFaults outcome={outcome} />}
        <div className="field">
          <label htmlFor="new-names">Names</label>
          <textarea
            id="new-names"
            data-first-focus
            rows={6}
            value={text}
            onChange={event => setText(event.target.value)}
            placeholder={'ada\ngrace'}
            autoCapitalize="off"
            spellCheck={false}
            aria-describedby="new-names-hint"
          />
          <small id="new-names-hint">
            One a line, or with commas or spaces between them. A whole column pastes well.
          </small>
        </div>
        {mayGrantAdmin && (
          <div className="check">
            <input id="new-admins" type="checkbox" checked={admin} onChange={event => setAdmin(event.target.checked)} />
            <label htmlFor="new-admins">They are administrators</label>
          </div>
        )}
        <div className="actions dialog-actions">
          <button type="button" className="button" onClick={onClose}>
            Cancel
          </button>
          <button type="submit" className="button button-primary" disabled={names.length === 0 || isBusy}>
            {isBusy ? 'Adding …' : names.length > 0 ? `Add ${counted(names.length, 'user')}` : 'Add'}
          </button>
        </div>
      </form>
    </Dialog>
  )
}

function AddFaults({ outcome: { existed, failed } }: { outcome: Added }) {
  return (
    <div role="alert" className="stack">
      {existed.length > 0 && <p>{listed(existed, 6)}: existed already.</p>}
      {failed.length > 0 && (
        <ul className="loss-list" aria-label="Not added">
          {failed.map(({ item, error }) => (
            <li key={item}>
              <strong>{item}</strong> <span>{error.message}</span>
            </li>
          ))}
        </ul>
      )}
    </div>
  )
}
