/** What can be done with the selection; at the bottom of the window, so that no row moves when it comes. */
import { counted } from '../../lib/counted.ts'
import { useActions } from './actions.ts'
import type { UserAction } from './dialog-props.ts'

export function BulkBar({
  selected,
  onSelect,
  matching,
  most,
  onSelectMatching,
  onAction,
  may,
  mayGrantAdmin,
}: {
  selected: ReadonlySet<string>
  onSelect: (selected: ReadonlySet<string>) => void
  /** How many match the filters beyond this page; 0: no more, or not all of the page is selected. */
  matching: number
  most: number
  onSelectMatching: () => void
  onAction: (action: UserAction) => void
  may: (scope: string) => boolean
  mayGrantAdmin: boolean
}) {
  const { setAdmin } = useActions()
  if (selected.size === 0) return null
  const all = Math.min(matching, most)
  return (
    <section className="bulk-bar" aria-label="Selection">
      <div className="bulk-count">
        <strong role="status">{selected.size.toLocaleString('en')} selected</strong>
        {all > selected.size && (
          <button type="button" className="button button-small button-quiet" onClick={onSelectMatching}>
            Select{' '}
            {matching > most
              ? `the first ${counted(most, 'match', 'matches')}`
              : `all ${counted(all, 'match', 'matches')}`}
          </button>
        )}
        <button type="button" className="button button-small button-quiet" onClick={() => onSelect(new Set())}>
          Clear
        </button>
      </div>
      <div className="actions">
        {may('start:servers') && (
          <button type="button" className="button button-small" onClick={() => onAction('start')}>
            Start …
          </button>
        )}
        {may('delete:servers') && (
          <button type="button" className="button button-small" onClick={() => onAction('stop')}>
            Stop …
          </button>
        )}
        {may('groups') && (
          <button type="button" className="button button-small" onClick={() => onAction('group')}>
            Add to group …
          </button>
        )}
        {may('admin:users') && mayGrantAdmin && (
          <>
            <button type="button" className="button button-small" onClick={() => setAdmin([...selected], true)}>
              Make admin
            </button>
            <button type="button" className="button button-small" onClick={() => setAdmin([...selected], false)}>
              Remove admin
            </button>
          </>
        )}
        {may('delete:users') && (
          <button type="button" className="button button-small button-danger" onClick={() => onAction('delete')}>
            Delete …
          </button>
        )}
      </div>
    </section>
  )
}
