import { PAGE_SIZES } from '../users/users-query.ts'

/** `51 to 100 of 50,000`, and the way to other pages. */
export function Pager({
  page,
  size,
  total,
  onPage,
  onSize,
}: {
  page: number
  size: number
  total: number
  onPage: (page: number) => void
  /** Absent: pages have one size. */
  onSize?: (size: number) => void
}) {
  const pages = Math.max(1, Math.ceil(total / size))
  const first = total === 0 ? 0 : (page - 1) * size + 1
  const last = Math.min(page * size, total)
  return (
    <nav className="pages" aria-label="Pages of the list">
      <span className="muted" role="status">
        {first.toLocaleString('en')} to {last.toLocaleString('en')} of {total.toLocaleString('en')}
      </span>
      {onSize && (
        <label className="page-size">
          Rows{' '}
          <select value={size} onChange={event => onSize(Number(event.target.value))}>
            {PAGE_SIZES.map(each => (
              <option key={each}>{each}</option>
            ))}
          </select>
        </label>
      )}
      <span className="actions">
        <Step label="First" to={1} page={page} onPage={onPage} isOff={page <= 1} />
        <Step label="Previous" to={page - 1} page={page} onPage={onPage} isOff={page <= 1} />
        <Step label="Next" to={page + 1} page={page} onPage={onPage} isOff={page >= pages} />
        <Step label="Last" to={pages} page={page} onPage={onPage} isOff={page >= pages} />
      </span>
    </nav>
  )
}

/** Stays where it is when there is nowhere to go, so that the focus does. */
function Step(props: { label: string; to: number; page: number; onPage: (page: number) => void; isOff: boolean }) {
  return (
    <button
      type="button"
      className="button button-small"
      aria-disabled={props.isOff}
      onClick={() => !props.isOff && props.onPage(props.to)}
    >
      {props.label}
    </button>
  )
}
