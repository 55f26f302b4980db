import type { User } from '../../api/types.ts'
import { counted } from '../../lib/counted.ts'
import { page } from '../../lib/page.ts'
import { type Address, withQuery } from '../address.ts'
import { State } from '../parts/state.tsx'
import type { Column } from '../parts/table-model.ts'
import { TimeAgo } from '../parts/time-ago.tsx'
import { linkTo } from '../use-address.ts'
import { ServerButtons } from './server-buttons.tsx'
import { isActive, phaseOf } from './server-phase.ts'

const MOST_GROUPS = 3

export function userColumns(address: Address): readonly Column<User>[] {
  return [
    {
      id: 'name',
      header: 'Name',
      isName: true,
      className: 'name-col',
      value: user => user.name,
      cell: user => (
        <>
          <a className="row-link" {...linkTo(withQuery(address, { user: user.name }))}>
            {user.name}
          </a>
          {user.admin && <span className="tag tag-strong">admin</span>}
          {user.name === page.user && <span className="tag">you</span>}
        </>
      ),
    },
    { id: 'groups', header: 'Groups', className: 'groups-col', cell: user => <Groups names={user.groups ?? []} /> },
    { id: 'server', header: 'Server', className: 'server-col', cell: user => <Servers user={user} /> },
    {
      id: 'last_activity',
      header: 'Last active',
      className: 'nowrap',
      newestFirst: true,
      value: user => user.last_activity ?? undefined,
      cell: user => <TimeAgo at={user.last_activity} form="rough" />,
    },
    {
      id: 'actions',
      header: 'Actions',
      className: 'end',
      cell: user => <ServerButtons user={user.name} name="" server={user.servers?.['']} />,
    },
  ]
}

function Groups({ names }: { names: readonly string[] }) {
  const shown = names.length > MOST_GROUPS ? names.slice(0, MOST_GROUPS - 1) : names
  return (
    <span className="tags">
      {shown.map(name => (
        <span className="tag" key={name}>
          {name}
        </span>
      ))}
      {names.length > shown.length && (
        <span className="tag" title={names.slice(shown.length).join(', ')}>
          +{names.length - shown.length}
        </span>
      )}
    </span>
  )
}

/** The default server's state, and how many of the named ones run. */
function Servers({ user }: { user: User }) {
  const { '': main, ...others } = user.servers ?? {}
  const named = Object.values(others)
  const running = named.filter(isActive).length
  const failed = named.filter(server => phaseOf(server) === 'failed').length
  return (
    <span className="server-cell">
      <State server={main} />
      {named.length > 0 && (
        <span className="muted small">
          {running > 0
            ? `+ ${running} of ${counted(named.length, 'named', 'named')} running`
            : `+ ${named.length} named`}
          {failed > 0 && `, ${failed} failed`}
        </span>
      )}
    </span>
  )
}
