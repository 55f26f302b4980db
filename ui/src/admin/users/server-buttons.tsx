/** Open, start, stop: what can be done with a server as it is now. */
import { useState } from 'react'
import type { Server } from '../../api/types.ts'
import { useMay } from '../../api/use-may.ts'
import { page } from '../../lib/page.ts'
import { useActions } from './actions.ts'
import { LogDialog } from './log-dialog.tsx'
import { phaseOf, serverTitle } from './server-phase.ts'

export function ServerButtons({ user, name, server }: { user: string; name: string; server: Server | undefined }) {
  const { mayFor } = useMay()
  const { start, stop } = useActions()
  const [isAsked, setAsked] = useState(false)
  const phase = phaseOf(server)
  const title = serverTitle(user, { name, display_name: server?.display_name ?? '' })
  const ask = (action: () => Promise<unknown>) => {
    setAsked(true)
    void action().finally(() => setAsked(false))
  }
  const mayStart = mayFor('start:servers', user)
  const mayStop = mayFor('delete:servers', user)
  const mayOpen = mayFor('access:servers', user)
  const maySeeLog = mayFor('servers', user)
  const [showsLog, showLog] = useState(false)
  return (
    <span className="actions">
      {phase === 'ready' && mayOpen && (
        <a className="button button-small" href={server?.url} aria-label={`Open ${title}`}>
          Open
        </a>
      )}
      {phase === 'spawning' && (
        <a className="button button-small" href={pendingUrl(user, name)} aria-label={`Progress of ${title}`}>
          Progress
        </a>
      )}
      {(phase === 'ready' || phase === 'spawning') && mayStop && (
        <button
          type="button"
          className="button button-small"
          aria-label={`Stop ${title}`}
          aria-disabled={isAsked}
          onClick={() => !isAsked && ask(() => stop(user, server!))} // a server in these phases is there
        >
          Stop
        </button>
      )}
      {(phase === 'stopped' || phase === 'failed') && mayStart && (
        <button
          type="button"
          className="button button-small"
          aria-label={`Start ${title}`}
          aria-disabled={isAsked}
          onClick={() => !isAsked && ask(() => start(user, name))}
        >
          Start
        </button>
      )}
      {server && maySeeLog && (
        <button
          type="button"
          className="button button-small button-quiet"
          aria-label={`Log of ${title}`}
          onClick={() => showLog(true)}
        >
          Log
        </button>
      )}
      {showsLog && <LogDialog user={user} name={name} onClose={() => showLog(false)} />}
    </span>
  )
}

function pendingUrl(user: string, name: string): string {
  return `${page.hubUrl}spawn-pending/${[user, name].filter(Boolean).map(encodeURIComponent).join('/')}`
}
