import { useState } from 'react'
import type { Server, User } from '../../api/types.ts'
import { useMay } from '../../api/use-may.ts'
import { page } from '../../lib/page.ts'
import { State } from '../parts/state.tsx'
import { TimeAgo } from '../parts/time-ago.tsx'
import { deleteServer, useActions } from './actions.ts'
import { BulkDialog } from './bulk-dialog.tsx'
import type { ServerOf } from './losses.ts'
import { ServerButtons } from './server-buttons.tsx'
import { phaseOf, serversOf, serverTitle } from './server-phase.ts'

/** All servers of one user: the default one first. */
export function UserServers({ user }: { user: User }) {
  const { mayFor } = useMay()
  const [removing, setRemoving] = useState<ServerOf>()
  const { changed } = useActions()
  const mayDelete = mayFor('delete:servers', user.name)
  const mayStart = mayFor('start:servers', user.name)
  return (
    <>
      <ul className="server-list">
        {serversOf(user).map(({ name, server }) => (
          <li key={name}>
            <div className="server-line">
              <span className="server-name">
                <strong>{name === '' ? 'Default server' : server?.display_name || name}</strong>
                {server?.display_name && server.display_name !== name && <span className="muted"> {name}</span>}
              </span>
              <State server={server} />
            </div>
            <ServerFacts server={server} />
            <div className="actions">
              <ServerButtons user={user.name} name={name} server={server} />
              {mayStart && ['stopped', 'failed'].includes(phaseOf(server)) && (
                <a
                  className="button button-small button-quiet"
                  href={pageOf('spawn', user.name, name)}
                  aria-label={`Start ${serverTitle(user.name, server ?? { name })} with options`}
                >
                  Options …
                </a>
              )}
              {name !== '' && server && page.namedServers && mayDelete && (
                <button
                  type="button"
                  className="button button-small button-quiet"
                  aria-label={`Delete ${serverTitle(user.name, server)}`}
                  onClick={() => setRemoving({ user: user.name, server })}
                >
                  Delete …
                </button>
              )}
            </div>
          </li>
        ))}
      </ul>
      {removing && (
        <BulkDialog<ServerOf>
          title={`Delete ${serverTitle(removing.user, removing.server)}?`}
          confirm="Delete the server"
          items={[removing]}
          labelOf={({ user, server }) => serverTitle(user, server)}
          action={deleteServer}
          doneText={() => `${serverTitle(removing.user, removing.server)} was deleted.`}
          isDangerous
          typeToConfirm={removing.server.name}
          onEnd={() => void changed()}
          onClose={() => setRemoving(undefined)}
        >
          <p>
            {phaseOf(removing.server) === 'ready' && 'It runs and is stopped first. '}Its settings and shares go for
            good. Files in the home folder stay.
          </p>
        </BulkDialog>
      )}
    </>
  )
}

function ServerFacts({ server }: { server: Server | undefined }) {
  if (!server) return <p className="muted small">Never started.</p>
  if (phaseOf(server) === 'ready') {
    return (
      <p className="muted small">
        Running for <TimeAgo at={server.started} form="span" never="a while" />, last used{' '}
        <TimeAgo at={server.last_activity} never="never" />
      </p>
    )
  }
  if (server.progress) {
    return (
      <>
        <progress className="thin" max={100} value={server.progress.percent} aria-label="Start" />
        <p className="muted small">{server.progress.message}</p>
      </>
    )
  }
  if (server.reason) {
    const { message, administrator_step } = server.reason
    return (
      <>
        <p className="muted small">{message}</p>
        {phaseOf(server) === 'failed' && administrator_step && <p className="small">{administrator_step}</p>}
      </>
    )
  }
  return (
    <p className="muted small">
      Last used <TimeAgo at={server.last_activity} never="never" />
    </p>
  )
}

function pageOf(what: string, user: string, name: string): string {
  return `${page.hubUrl}${what}/${[user, name].filter(Boolean).map(encodeURIComponent).join('/')}`
}
