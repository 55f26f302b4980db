import type { User } from '../../api/types.ts'
import { counted, listed } from '../../lib/counted.ts'
import { page } from '../../lib/page.ts'
import { LossList } from '../parts/loss-list.tsx'
import { deleteUser, useActions } from './actions.ts'
import { BulkDialog } from './bulk-dialog.tsx'
import type { ChosenProps } from './dialog-props.ts'
import { lossesOf } from './losses.ts'
import { RunningList } from './running-list.tsx'
import { serverTitle } from './server-phase.ts'

export function DeleteDialog({ users, onClose, onFailed, onDeleted }: ChosenProps) {
  const { changed } = useActions()
  const others = users.filter(user => user.name !== page.user)
  const { running, named, admins } = lossesOf(others)
  return (
    <BulkDialog<User>
      title={others.length === 1 ? `Delete ${others[0]!.name}?` : `Delete ${counted(others.length, 'user')}?`}
      confirm={others.length === 1 ? 'Delete the user' : `Delete ${counted(others.length, 'user')}`}
      items={others}
      labelOf={user => user.name}
      action={user => deleteUser(user.name)}
      doneText={count => `${counted(count, 'user')} deleted.`}
      isDangerous
      typeToConfirm={others.length === 1 ? others[0]!.name : `delete ${others.length}`}
      onEnd={outcome => {
        onFailed(outcome.failed.map(({ item }) => item.name))
        onDeleted(outcome.done.map(user => user.name))
        void changed()
      }}
      onClose={onClose}
    >
      <p>
        Their tokens, shares, memberships of groups and the settings of their servers go for good. Files in home folders
        stay.
      </p>
      {others.length < users.length && <p className="muted">You cannot delete yourself, so you stay.</p>}
      {admins.length > 0 && (
        <p>
          <strong>{listed(admins)}</strong> {admins.length === 1 ? 'is an administrator' : 'are administrators'}.
        </p>
      )}
      <RunningList title="Running, will be stopped" running={running} />
      <LossList
        title="Named servers that go"
        items={named}
        keyOf={({ user, server }) => `${user}/${server.name}`}
        line={({ user, server }) => serverTitle(user, server)}
      />
      {others.length > 1 && (
        <LossList title="Users" items={others} keyOf={user => user.name} line={user => user.name} />
      )}
    </BulkDialog>
  )
}
