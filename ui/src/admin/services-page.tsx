import { useMemo } from 'react'
import { useServices } from '../api/queries.ts'
import type { Service } from '../api/types.ts'
import { counted } from '../lib/counted.ts'
import { page } from '../lib/page.ts'
import { DataTable } from './parts/data-table.tsx'
import { ErrorNotice } from './parts/notice.tsx'
import type { Column } from './parts/table-model.ts'

const none: readonly Service[] = []

export function ServicesPage() {
  const services = useServices()
  const rows = services.data ?? none
  const columns = useMemo(serviceColumns, [])
  return (
    <>
      <p className="muted" role="status">
        {services.data && `${counted(rows.length, 'service')}, from the configuration or added by the REST API.`}
      </p>
      {services.error && <ErrorNotice error={services.error} retry={() => services.refetch()} />}
      {services.data && rows.length === 0 && (
        <div className="card empty">
          <p>There are no services.</p>
        </div>
      )}
      <div className="table-frame" hidden={rows.length === 0}>
        <DataTable<Service> label="Services" columns={columns} rows={rows} idOf={({ name }) => name} firstBy="name" />
      </div>
    </>
  )
}

function serviceColumns(): readonly Column<Service>[] {
  return [
    {
      id: 'name',
      header: 'Name',
      isName: true,
      className: 'name-col',
      value: service => service.name,
      cell: service => (
        <>
          {service.url ? (
            <a className="row-link" href={addressOf(service)}>
              {service.name}
            </a>
          ) : (
            service.name
          )}
          {service.admin && <span className="tag tag-strong">admin</span>}
        </>
      ),
    },
    {
      id: 'runs',
      header: 'Runs',
      value: service => kindOf(service),
      cell: service => kindOf(service),
    },
    {
      id: 'roles',
      header: 'Roles',
      cell: service => (
        <span className="tags">
          {service.roles?.map(role => (
            <span className="tag" key={role}>
              {role}
            </span>
          ))}
        </span>
      ),
    },
    {
      id: 'command',
      header: 'Command',
      cell: service => service.command && service.command.length > 0 && <code>{service.command.join(' ')}</code>,
    },
    {
      id: 'info',
      header: 'Information',
      cell: service =>
        Object.keys(service.info ?? {}).length > 0 && (
          <details className="scopes">
            <summary>{counted(Object.keys(service.info ?? {}).length, 'entry', 'entries')}</summary>
            <code className="preformatted">{JSON.stringify(service.info, undefined, 2)}</code>
          </details>
        ),
    },
  ]
}

/** As the hub sees it. */
function kindOf(service: Service): string {
  if ((service.command ?? []).length === 0) return 'elsewhere'
  return service.pid ? `here, process ${service.pid}` : 'here, does not run now'
}

/** Behind the proxy, beside the hub. */
function addressOf(service: Service): string {
  return service.prefix || `${page.hubUrl.replace(/hub\/$/, '')}services/${encodeURIComponent(service.name)}/`
}
