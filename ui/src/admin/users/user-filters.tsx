import { useGroups } from '../../api/queries.ts'
import { DEFAULT_SORT, type UsersQuery } from './users-query.ts'

/** Which users, in which order. */
export function UserFilters({
  query,
  onChange,
}: {
  query: UsersQuery
  onChange: (changes: Partial<Record<string, string>>) => void
}) {
  const groups = useGroups().data ?? []
  const names = groups.map(({ name }) => name)
  if (query.group && !names.includes(query.group)) names.push(query.group)
  return (
    <div className="filters">
      <select
        aria-label="State"
        value={query.state}
        onChange={event => onChange({ state: event.target.value || undefined })}
      >
        <option value="">Any state</option>
        <option value="active">Running or pending</option>
        <option value="ready">Running</option>
        <option value="inactive">Stopped</option>
      </select>
      <select
        aria-label="Kind"
        value={query.admin}
        onChange={event => onChange({ admin: event.target.value || undefined })}
      >
        <option value="">Everybody</option>
        <option value="true">Administrators</option>
        <option value="false">No administrators</option>
      </select>
      {names.length > 0 && (
        <select
          aria-label="Group"
          value={query.group}
          onChange={event => onChange({ group: event.target.value || undefined })}
        >
          <option value="">Any group</option>
          {names.map(name => (
            <option key={name}>{name}</option>
          ))}
        </select>
      )}
      {/* A phone shows no column heads to sort by. */}
      <select
        className="sort-select"
        aria-label="Sort by"
        value={query.sort}
        onChange={event => onChange({ sort: event.target.value === DEFAULT_SORT ? undefined : event.target.value })}
      >
        <option value="name">By name</option>
        <option value="-name">By name, reversed</option>
        <option value="-last_activity">Last active first</option>
        <option value="last_activity">Longest idle first</option>
      </select>
    </div>
  )
}
