import { counted, listed } from '../../lib/counted.ts'
import type { Outcome } from '../../lib/run-many.ts'
import { stopServer, useActions } from './actions.ts'
import { BulkDialog } from './bulk-dialog.tsx'
import type { ChosenProps } from './dialog-props.ts'
import { lossesOf, type ServerOf } from './losses.ts'
import { RunningList } from './running-list.tsx'
import { serverTitle } from './server-phase.ts'

export function StopDialog({ users, onClose, onFailed }: ChosenProps) {
  const { changed } = useActions()
  const { running } = lossesOf(users)
  const owners = new Set(running.map(({ user }) => user))
  return (
    <BulkDialog<ServerOf>
      title={running.length === 0 ? 'Nothing runs' : `Stop ${counted(running.length, 'server')}?`}
      confirm={`Stop ${counted(running.length, 'server')}`}
      items={running}
      labelOf={({ user, server }) => serverTitle(user, server)}
      action={stopServer}
      doneText={count => `${counted(count, 'server')} stopped.`}
      isDangerous
      onEnd={outcome => {
        onFailed(failedUsers(outcome))
        void changed()
      }}
      onClose={onClose}
    >
      {running.length === 0 ? (
        <p>None of {counted(users.length, 'user')} has a running server.</p>
      ) : (
        <p>
          {listed([...owners])} {owners.size === 1 ? 'loses' : 'lose'} what has not been saved and what is being
          computed. Files stay.
        </p>
      )}
      <RunningList title="Will be stopped" running={running} />
    </BulkDialog>
  )
}

function failedUsers(outcome: Outcome<ServerOf>): string[] {
  return [...new Set(outcome.failed.map(({ item }) => item.user))]
}
