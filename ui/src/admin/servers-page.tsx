/** All servers that run, start or stop, whoever they belong to. */
import { useMemo, useRef, useState } from 'react'
import { MOST, useActiveUsers, useUsage } from '../api/queries.ts'
import type { User } from '../api/types.ts'
import type { UsageById } from '../api/usage.ts'
import { useMay } from '../api/use-may.ts'
import { counted } from '../lib/counted.ts'
import { type Address, withQuery } from './address.ts'
import { DataTable } from './parts/data-table.tsx'
import { ErrorNotice } from './parts/notice.tsx'
import { SearchField } from './parts/search-field.tsx'
import { State } from './parts/state.tsx'
import type { Column } from './parts/table-model.ts'
import { TimeAgo } from './parts/time-ago.tsx'
import { useSteady } from './parts/use-steady.ts'
import { type ServerRow, usageColumns, usageOf } from './usage-columns.tsx'
import { change, closeDialog, linkTo } from './use-address.ts'
import { stopServer, useActions } from './users/actions.ts'
import { BulkDialog } from './users/bulk-dialog.tsx'
import type { ServerOf } from './users/losses.ts'
import { RunningList } from './users/running-list.tsx'
import { ServerButtons } from './users/server-buttons.tsx'
import { phaseOf, serverTitle } from './users/server-phase.ts'
import { UserPanel } from './users/user-panel.tsx'

const nobody: readonly User[] = []
const unknown: UsageById = {}
const closePanel = () => change({ user: undefined })

export function ServersPage({ address }: { address: Address }) {
  const users = useActiveUsers()
  const { may } = useMay()
  const { changed } = useActions()
  const { search = '', user, dialog } = address.query
  const [selected, select] = useState<ReadonlySet<string>>(new Set())
  const frame = useRef<HTMLDivElement>(null)
  const usage = useUsage().data ?? unknown
  const sorted = useSteady(usage, frame)
  const all = useMemo(() => serversOfAll(users.data ?? nobody, sorted), [users.data, sorted])
  const rows = useMemo(() => all.filter(row => idOf(row).toLowerCase().includes(search.toLowerCase())), [all, search])
  const columns = useMemo(() => serverColumns(address, usage), [address, usage])
  const chosen = rows.filter(row => selected.size === 0 || selected.has(idOf(row))).filter(isUp)

  return (
    <>
      <div className="toolbar admin-toolbar">
        <SearchField
          label="Find servers by name"
          value={search}
          onSearch={text => change({ search: text }, { replace: true })}
        />
        <p className="muted grow" role="status">
          {users.data && `${counted(rows.length, 'server')}${all.length > rows.length ? ` of ${all.length}` : ''}`}
          {(users.data?.length ?? 0) >= MOST && `, of the first ${MOST.toLocaleString('en')} users`}
        </p>
        {may('delete:servers') && chosen.length > 0 && (
          <button type="button" className="button" onClick={() => change({ dialog: 'stop' })}>
            {selected.size > 0 ? `Stop ${counted(chosen.length, 'server')} …` : `Stop all ${chosen.length} …`}
          </button>
        )}
      </div>
      {users.error && <ErrorNotice error={users.error} retry={() => users.refetch()} />}
      {users.data && rows.length === 0 && (
        <div className="card empty" role="status">
          <p>{all.length === 0 ? 'No server runs.' : 'No server matches.'}</p>
        </div>
      )}
      <div className="table-frame" ref={frame} hidden={rows.length === 0}>
        <DataTable<ServerRow>
          label="Running servers"
          columns={columns}
          rows={rows}
          idOf={idOf}
          firstBy="user"
          selection={{ selected, onChange: select, labelOf: id => id }}
          isCurrent={row => row.user === user}
        />
      </div>
      {user && <UserPanel key={user} name={user} onClose={closePanel} />}
      {dialog === 'stop' && chosen.length > 0 && (
        <BulkDialog<ServerOf>
          title={`Stop ${counted(chosen.length, 'server')}?`}
          confirm={`Stop ${counted(chosen.length, 'server')}`}
          items={chosen}
          labelOf={({ user, server }) => serverTitle(user, server)}
          action={stopServer}
          doneText={count => `${counted(count, 'server')} stopped.`}
          isDangerous
          typeToConfirm={chosen.length > 20 ? `stop ${chosen.length}` : undefined}
          onEnd={({ failed }) => {
            select(new Set(failed.map(({ item }) => idOf(item))))
            void changed()
          }}
          onClose={closeDialog}
        >
          <p>What has not been saved and what is being computed is lost. Files stay.</p>
          <RunningList title="Will be stopped" running={chosen} />
        </BulkDialog>
      )}
    </>
  )
}

function serversOfAll(users: readonly User[], usage: UsageById): ServerRow[] {
  const servers = users.flatMap(user => Object.values(user.servers ?? {}).map(server => ({ user: user.name, server })))
  return servers.map(server => ({ ...server, sortedBy: usageOf(usage, server) }))
}

function isUp({ server }: ServerOf): boolean {
  return phaseOf(server) === 'ready' || phaseOf(server) === 'spawning'
}

/** `ada`, `ada/gpu`. */
function idOf({ user, server }: ServerOf): string {
  return server.name === '' ? user : `${user}/${server.name}`
}

function serverColumns(address: Address, usage: UsageById): readonly Column<ServerRow>[] {
  return [
    {
      id: 'user',
      header: 'User',
      isName: true,
      className: 'name-col',
      value: row => idOf(row),
      cell: ({ user }) => (
        <a className="row-link" {...linkTo(withQuery(address, { user }))}>
          {user}
        </a>
      ),
    },
    {
      id: 'server',
      header: 'Server',
      value: ({ server }) => server.display_name || server.name,
      cell: ({ server }) => server.display_name || server.name || <span className="muted">default</span>,
    },
    {
      id: 'state',
      header: 'State',
      className: 'server-col',
      value: ({ server }) => phaseOf(server),
      cell: ({ server }) => <State server={server} />,
    },
    // Nothing is known where the spawner cannot tell.
    ...(Object.keys(usage).length > 0 ? usageColumns(usage) : []),
    {
      id: 'started',
      header: 'Running for',
      className: 'nowrap',
      newestFirst: true,
      value: ({ server }) => server.started ?? undefined,
      cell: ({ server }) => <TimeAgo at={server.started} form="span" never="" />,
    },
    {
      id: 'last_activity',
      header: 'Last used',
      className: 'nowrap',
      newestFirst: true,
      value: ({ server }) => server.last_activity ?? undefined,
      cell: ({ server }) => <TimeAgo at={server.last_activity} form="rough" />,
    },
    {
      id: 'actions',
      header: 'Actions',
      className: 'end',
      cell: ({ user, server }) => <ServerButtons user={user} name={server.name} server={server} />,
    },
  ]
}
