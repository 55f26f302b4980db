import { useState } from 'react'
import { useGroups } from '../../api/queries.ts'
import { counted, listed } from '../../lib/counted.ts'
import { Dialog } from '../parts/dialog.tsx'
import { ErrorNotice } from '../parts/notice.tsx'
import { useActions } from './actions.ts'

export function GroupDialog({ names, onClose }: { names: readonly string[]; onClose: () => void }) {
  const groups = useGroups()
  const { join } = useActions()
  const [group, setGroup] = useState('')
  return (
    <Dialog title={`Add ${counted(names.length, 'user')} to a group`} onClose={onClose}>
      <form
        className="stack"
        onSubmit={event => {
          event.preventDefault()
          onClose()
          void join(group, names)
        }}
      >
        {groups.error ? <ErrorNotice error={groups.error} /> : <p>{listed(names, 6)}</p>}
        <div className="field">
          <label htmlFor="group-to-join">Group</label>
          <select
            id="group-to-join"
            data-first-focus
            required
            value={group}
            onChange={event => setGroup(event.target.value)}
          >
            <option value="">Choose …</option>
            {groups.data?.map(({ name }) => (
              <option key={name}>{name}</option>
            ))}
          </select>
        </div>
        <div className="actions dialog-actions">
          <button type="button" className="button" onClick={onClose}>
            Cancel
          </button>
          <button type="submit" className="button button-primary" disabled={group === ''}>
            Add to the group
          </button>
        </div>
      </form>
    </Dialog>
  )
}
