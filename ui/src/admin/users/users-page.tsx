import { useQueryClient } from '@tanstack/react-query'
import { useMemo, useRef, useState } from 'react'
import { fetchAll, MOST, useUsers } from '../../api/queries.ts'
import type { User } from '../../api/types.ts'
import { useMay } from '../../api/use-may.ts'
import type { Address } from '../address.ts'
import { DataTable } from '../parts/data-table.tsx'
import { Icon } from '../parts/icon.tsx'
import { ErrorNotice } from '../parts/notice.tsx'
import { Pager } from '../parts/pager.tsx'
import { SearchField } from '../parts/search-field.tsx'
import { toastError } from '../parts/toasts.tsx'
import { change, closeDialog } from '../use-address.ts'
import { AddUsersDialog } from './add-users-dialog.tsx'
import { BulkBar } from './bulk-bar.tsx'
import type { UserAction } from './dialog-props.ts'
import { NoUsers } from './no-users.tsx'
import { userColumns } from './user-columns.tsx'
import { UserDialog } from './user-dialogs.tsx'
import { UserFilters } from './user-filters.tsx'
import { UserPanel } from './user-panel.tsx'
import { DEFAULT_SORT, readUsersQuery, usersPath } from './users-query.ts'

const REFETCH_MS = 60_000
const nobody: readonly User[] = []
const closePanel = () => change({ user: undefined })
const ACTIONS: readonly UserAction[] = ['start', 'stop', 'delete', 'group']

export function UsersPage({ address }: { address: Address }) {
  const query = readUsersQuery(address.query)
  const client = useQueryClient()
  const { may, isAdmin } = useMay()
  const table = useRef<HTMLDivElement>(null)
  const [isPointedAt, setPointedAt] = useState(false)
  // Rows do not move under the pointer; states change in place all the same.
  const users = useUsers(query, { refetchMs: isPointedAt ? false : REFETCH_MS })
  const [selected, select] = useState<ReadonlySet<string>>(new Set())
  const columns = useMemo(() => userColumns(address), [address])
  const rows = users.data?.items ?? nobody
  const total = users.data?._pagination.total ?? 0

  const filter = (changes: Partial<Record<string, string>>) => change({ ...changes, page: undefined })

  const { dialog = '', on, user } = address.query
  const action = ACTIONS.find(each => each === dialog)
  const chosen = useMemo(() => (on ? [on] : [...selected]), [on, selected])
  const keep = (names: readonly string[]) => !on && select(new Set(names))
  const mayEdit = may('admin:users')

  async function selectMatching(): Promise<void> {
    try {
      const all = await client.fetchQuery({
        queryKey: ['matching', query],
        queryFn: () => fetchAll<User>(usersPath(query).replace(/&(offset|limit)=\d+/g, '')),
        staleTime: 0,
      })
      select(new Set(all.map(({ name }) => name)))
    } catch (error) {
      toastError(error)
    }
  }

  return (
    <>
      <div className="toolbar admin-toolbar">
        <SearchField
          label="Find users by name"
          value={query.search}
          onSearch={search => change({ search: search || undefined, page: undefined }, { replace: true })}
        />
        <UserFilters query={query} onChange={filter} />
        {mayEdit && (
          <button type="button" className="button button-primary" onClick={() => change({ dialog: 'add' })}>
            <Icon name="plus" /> Add users
          </button>
        )}
      </div>
      {users.error && <ErrorNotice error={users.error} retry={() => users.refetch()} />}
      {users.data && rows.length === 0 && <NoUsers query={query} total={total} onChange={change} />}
      <div
        ref={table}
        className={users.isPlaceholderData ? 'table-frame is-old' : 'table-frame'}
        onPointerEnter={() => setPointedAt(true)}
        onPointerLeave={() => setPointedAt(false)}
        hidden={rows.length === 0}
      >
        <DataTable<User>
          label="Users"
          columns={columns}
          rows={rows}
          idOf={({ name }) => name}
          selection={{ selected, onChange: select, labelOf: name => name }}
          sorting={{
            by: query.sort,
            onChange: sort => change({ sort: sort === DEFAULT_SORT ? undefined : sort, page: undefined }),
          }}
          isCurrent={({ name }) => name === user}
          busy={users.isFetching}
        />
      </div>
      {total > 0 && (
        <Pager
          page={query.page}
          size={query.size}
          total={total}
          onPage={page => {
            change({ page: page === 1 ? undefined : String(page) })
            if (table.current && table.current.getBoundingClientRect().top < 0) table.current.scrollIntoView()
          }}
          onSize={size => change({ size: size === 50 ? undefined : String(size), page: undefined })}
        />
      )}
      <BulkBar
        selected={selected}
        onSelect={select}
        matching={total > rows.length && rows.length > 0 && rows.every(row => selected.has(row.name)) ? total : 0}
        most={MOST}
        onSelectMatching={selectMatching}
        onAction={name => change({ dialog: name })}
        may={may}
        mayGrantAdmin={isAdmin}
      />
      {user && <UserPanel key={user} name={user} onClose={closePanel} />}
      {dialog === 'add' && mayEdit && <AddUsersDialog mayGrantAdmin={isAdmin} onClose={closeDialog} />}
      {action && chosen.length > 0 && (
        <UserDialog
          key={action}
          action={action}
          names={chosen}
          onClose={closeDialog}
          onFailed={keep}
          onDeleted={names => {
            select(new Set([...selected].filter(name => !names.includes(name))))
            if (user && names.includes(user)) closePanel()
          }}
        />
      )}
    </>
  )
}
