import { useMemo } from 'react'
import { useRoles } from '../api/queries.ts'
import type { Role } from '../api/types.ts'
import { counted } from '../lib/counted.ts'
import { DataTable } from './parts/data-table.tsx'
import { ErrorNotice } from './parts/notice.tsx'
import type { Column } from './parts/table-model.ts'

const none: readonly Role[] = []

export function RolesPage() {
  const roles = useRoles()
  const rows = roles.data ?? none
  const columns = useMemo(roleColumns, [])
  return (
    <>
      <p className="muted" role="status">
        {roles.data && `${counted(rows.length, 'role')}, from the configuration or the authenticator.`}
      </p>
      {roles.error && <ErrorNotice error={roles.error} retry={() => roles.refetch()} />}
      <div className="table-frame" hidden={rows.length === 0}>
        <DataTable<Role> label="Roles" columns={columns} rows={rows} idOf={({ name }) => name} firstBy="name" />
      </div>
    </>
  )
}

function roleColumns(): readonly Column<Role>[] {
  return [
    {
      id: 'name',
      header: 'Name',
      isName: true,
      className: 'name-col',
      value: role => role.name,
      cell: role => (
        <>
          {role.name}
          {role.managed_by_auth && <span className="tag">by the authenticator</span>}
        </>
      ),
    },
    { id: 'description', header: 'Description', cell: role => role.description },
    {
      id: 'scopes',
      header: 'Permissions',
      newestFirst: true,
      value: role => role.scopes.length,
      cell: role => (
        <details className="scopes">
          <summary>{counted(role.scopes.length, 'permission')}</summary>
          {role.scopes.map(scope => (
            <code key={scope}>{scope}</code>
          ))}
        </details>
      ),
    },
    {
      id: 'holders',
      header: 'Held by',
      newestFirst: true,
      value: role => role.users,
      cell: role => (
        <span className="tags">
          {role.users > 0 && <span>{counted(role.users, 'user')}</span>}
          {role.groups.map(name => (
            <span className="tag" key={`group ${name}`}>
              group {name}
            </span>
          ))}
          {role.services.map(name => (
            <span className="tag" key={`service ${name}`}>
              service {name}
            </span>
          ))}
          {role.users + role.groups.length + role.services.length === 0 && <span className="muted">nobody</span>}
        </span>
      ),
    },
  ]
}
