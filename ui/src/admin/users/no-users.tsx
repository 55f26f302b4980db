import { isFiltered, type UsersQuery } from './users-query.ts'

/** What stands in the place of an empty table, and the way out. */
export function NoUsers({
  query,
  total,
  onChange,
}: {
  query: UsersQuery
  total: number
  onChange: (changes: Partial<Record<string, string>>) => void
}) {
  if (total > 0) {
    return (
      <div className="card empty">
        <p>This page is past the end of the list.</p>
        <button type="button" className="button" onClick={() => onChange({ page: undefined })}>
          To the first page
        </button>
      </div>
    )
  }
  return (
    <div className="card empty" role="status">
      <p>{isFiltered(query) ? 'Nobody matches these filters.' : 'There are no users yet.'}</p>
      {isFiltered(query) && (
        <button
          type="button"
          className="button"
          onClick={() =>
            onChange({ search: undefined, state: undefined, admin: undefined, group: undefined, page: undefined })
          }
        >
          Show everybody
        </button>
      )}
    </div>
  )
}
