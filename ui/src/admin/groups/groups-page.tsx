import { useMemo, useState } from 'react'
import { api, pathOf } from '../../api/client.ts'
import { useGroups } from '../../api/queries.ts'
import type { Group } from '../../api/types.ts'
import { useMay } from '../../api/use-may.ts'
import { counted } from '../../lib/counted.ts'
import { type Address, withQuery } from '../address.ts'
import { DataTable } from '../parts/data-table.tsx'
import { Dialog } from '../parts/dialog.tsx'
import { Icon } from '../parts/icon.tsx'
import { ErrorNotice } from '../parts/notice.tsx'
import { SearchField } from '../parts/search-field.tsx'
import type { Column } from '../parts/table-model.ts'
import { toast } from '../parts/toasts.tsx'
import { change, closeDialog, linkTo } from '../use-address.ts'
import { useActions } from '../users/actions.ts'
import { parseNames } from '../users/parse-names.ts'
import { GroupPanel } from './group-panel.tsx'

const none: readonly Group[] = []

export function GroupsPage({ address }: { address: Address }) {
  const groups = useGroups()
  const { may } = useMay()
  const { search = '', open, dialog } = address.query
  const all = groups.data ?? none
  const rows = useMemo(() => all.filter(({ name }) => name.toLowerCase().includes(search.toLowerCase())), [all, search])
  const columns = useMemo(() => groupColumns(address), [address])
  const shown = all.find(({ name }) => name === open)
  return (
    <>
      <div className="toolbar admin-toolbar">
        <SearchField
          label="Find groups by name"
          value={search}
          onSearch={text => change({ search: text }, { replace: true })}
        />
        <p className="muted grow" role="status">
          {groups.data && counted(rows.length, 'group')}
        </p>
        {may('admin:groups') && (
          <button type="button" className="button button-primary" onClick={() => change({ dialog: 'add' })}>
            <Icon name="plus" /> Add a group
          </button>
        )}
      </div>
      {groups.error && <ErrorNotice error={groups.error} retry={() => groups.refetch()} />}
      {groups.data && rows.length === 0 && (
        <div className="card empty" role="status">
          <p>{all.length === 0 ? 'There are no groups yet.' : 'No group matches.'}</p>
        </div>
      )}
      <div className="table-frame" hidden={rows.length === 0}>
        <DataTable<Group>
          label="Groups"
          columns={columns}
          rows={rows}
          idOf={({ name }) => name}
          firstBy="name"
          isCurrent={({ name }) => name === open}
        />
      </div>
      {shown && <GroupPanel key={shown.name} group={shown} onClose={() => change({ open: undefined })} />}
      {dialog === 'add' && <AddGroupDialog onClose={closeDialog} />}
    </>
  )
}

function groupColumns(address: Address): readonly Column<Group>[] {
  return [
    {
      id: 'name',
      header: 'Name',
      isName: true,
      className: 'name-col',
      value: group => group.name,
      cell: group => (
        <a className="row-link" {...linkTo(withQuery(address, { open: group.name }))}>
          {group.name}
        </a>
      ),
    },
    {
      id: 'members',
      header: 'Members',
      newestFirst: true,
      value: group => group.user_count,
      cell: group => (
        <a {...linkTo({ tab: 'users', query: { group: group.name } })}>
          {counted(group.user_count ?? 0, 'user')}
          <span className="visually-hidden"> in {group.name}</span>
        </a>
      ),
    },
    {
      id: 'roles',
      header: 'Roles',
      cell: group => (
        <span className="tags">
          {group.roles?.map(role => (
            <span className="tag" key={role}>
              {role}
            </span>
          ))}
        </span>
      ),
    },
    {
      id: 'properties',
      header: 'Properties',
      cell: group => <span className="muted">{Object.keys(group.properties ?? {}).join(', ')}</span>,
    },
  ]
}

function AddGroupDialog({ onClose }: { onClose: () => void }) {
  const { changed } = useActions()
  const [name, setName] = useState('')
  const [members, setMembers] = useState('')
  const [fault, setFault] = useState<unknown>()

  async function add(): Promise<void> {
    setFault(undefined)
    try {
      await api('POST', pathOf`groups/${name.trim()}`, { users: parseNames(members) })
      toast({
        kind: 'success',
        text: `The group ${name.trim()} was made.`,
        undo: () => api('DELETE', pathOf`groups/${name.trim()}`).finally(changed),
      })
      onClose()
      await changed()
    } catch (error) {
      setFault(error)
    }
  }

  return (
    <Dialog title="Add a group" onClose={onClose}>
      <form
        className="stack"
        onSubmit={event => {
          event.preventDefault()
          void add()
        }}
      >
        {fault !== undefined && <ErrorNotice error={fault} />}
        <div className="field">
          <label htmlFor="group-name">Name</label>
          <input
            id="group-name"
            data-first-focus
            required
            value={name}
            onChange={event => setName(event.target.value)}
            autoComplete="off"
            spellCheck={false}
          />
        </div>
        <div className="field">
          <label htmlFor="group-members">Members</label>
          <textarea
            id="group-members"
            rows={4}
            value={members}
            onChange={event => setMembers(event.target.value)}
            autoCapitalize="off"
            spellCheck={false}
            aria-describedby="group-members-hint"
          />
          <small id="group-members-hint">Names of users, by lines, commas or spaces; may be empty.</small>
        </div>
        <div className="actions dialog-actions">
          <button type="button" className="button" onClick={onClose}>
            Cancel
          </button>
          <button type="submit" className="button button-primary" disabled={name.trim() === ''}>
            Add
          </button>
        </div>
      </form>
    </Dialog>
  )
}
