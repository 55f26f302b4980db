import { LossList } from '../parts/loss-list.tsx'
import { State } from '../parts/state.tsx'
import { TimeAgo } from '../parts/time-ago.tsx'
import type { ServerOf } from './losses.ts'
import { serverTitle } from './server-phase.ts'

/** Servers that will be stopped, with when they were used last. */
export function RunningList({ title, running }: { title: string; running: readonly ServerOf[] }) {
  return (
    <LossList
      title={title}
      items={running}
      keyOf={({ user, server }) => `${user}/${server.name}`}
      line={({ user, server }) => (
        <>
          <strong>{serverTitle(user, server)}</strong> <State server={server} />{' '}
          <span className="muted">
            last used <TimeAgo at={server.last_activity} never="never" />
          </span>
        </>
      )}
    />
  )
}
