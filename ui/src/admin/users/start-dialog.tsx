import type { User } from '../../api/types.ts'
import { counted, listed } from '../../lib/counted.ts'
import { startServer, useActions } from './actions.ts'
import { BulkDialog } from './bulk-dialog.tsx'
import type { ChosenProps } from './dialog-props.ts'
import { isActive } from './server-phase.ts'

export function StartDialog({ users, onClose, onFailed }: ChosenProps) {
  const { changed } = useActions()
  const idle = users.filter(user => !isActive(user.servers?.['']))
  return (
    <BulkDialog<User>
      title={idle.length === 0 ? 'All of them run' : `Start ${counted(idle.length, 'server')}?`}
      confirm={`Start ${counted(idle.length, 'server')}`}
      items={idle}
      labelOf={user => user.name}
      action={user => startServer(user.name)}
      doneText={count => `${counted(count, 'start')} under way.`}
      onEnd={outcome => {
        onFailed(outcome.failed.map(({ item }) => item.name))
        void changed()
      }}
      onClose={onClose}
    >
      <p>
        Starts the default server of {listed(idle.map(user => user.name))}, with the options that each of them used
        last.
      </p>
      {users.length > idle.length && (
        <p className="muted">{counted(users.length - idle.length, 'server')} of these run already.</p>
      )}
    </BulkDialog>
  )
}
