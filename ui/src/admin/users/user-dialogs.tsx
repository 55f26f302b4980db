/** Starting, stopping and deleting what was chosen. What runs is read anew first: the choice may be minutes old. */
import { useQuery } from '@tanstack/react-query'
import { useState } from 'react'
import { fetchUser, useGroups } from '../../api/queries.ts'
import type { User } from '../../api/types.ts'
import { counted, listed } from '../../lib/counted.ts'
import { page } from '../../lib/page.ts'
import { type Outcome, runMany } from '../../lib/run-many.ts'
import { Dialog } from '../parts/dialog.tsx'
import { ErrorNotice } from '../parts/notice.tsx'
import { State } from '../parts/state.tsx'
import { TimeAgo } from '../parts/time-ago.tsx'
import { deleteUser, startServer, stopServer, useActions } from './actions.ts'
import { BulkDialog, LossList } from './bulk-dialog.tsx'
import { lossesOf, type ServerOf } from './losses.ts'
import { isActive, serverTitle } from './server-phase.ts'

export type UserAction = 'start' | 'stop' | 'delete' | 'group'

interface UserDialogProps {
  readonly names: readonly string[]
  readonly onClose: () => void
  /** Those it failed for. */
  readonly onFailed: (names: readonly string[]) => void
  /** Those that are no more. */
  readonly onDeleted: (names: readonly string[]) => void
}

export function UserDialog({ action, ...props }: UserDialogProps & { action: UserAction }) {
  const { onClose } = props
  // As chosen when it opened: what fails becomes the new choice while the dialog still tells of it.
  const [names] = useState(props.names)
  const fresh = useQuery({
    queryKey: ['fresh-users', names],
    queryFn: () => fetchUsers(names),
    gcTime: 0,
    staleTime: Number.POSITIVE_INFINITY,
    enabled: action !== 'group',
  })
  if (action === 'group') return <GroupDialog names={names} onClose={onClose} />
  if (fresh.data) {
    const Chosen = { start: StartDialog, stop: StopDialog, delete: DeleteDialog }[action]
    return <Chosen {...props} names={names} users={fresh.data} />
  }
  return (
    <Dialog title={`${counted(names.length, 'user')}`} onClose={onClose}>
      {fresh.error ? (
        <ErrorNotice error={fresh.error} retry={() => fresh.refetch()} />
      ) : (
        <p role="status">Looking at what runs …</p>
      )}
    </Dialog>
  )
}

type ChosenProps = UserDialogProps & { readonly users: readonly User[] }

function StopDialog({ users, onClose, onFailed }: ChosenProps) {
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

function StartDialog({ users, onClose, onFailed }: ChosenProps) {
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

function DeleteDialog({ users, onClose, onFailed, onDeleted }: ChosenProps) {
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

function GroupDialog({ names, onClose }: { names: readonly string[]; onClose: () => void }) {
  const groups = useGroups()
  const { join } = useActions()
  const [group, setGroup] = useState('')
  return (
    <Dialog title={`Add ${counted(names.length, 'user')} to a group`} onClose={onClose}>
      <form
        className="stack"
        onSubmit={event => {
          event.preventDefault()
          onClose()
          void join(group, names)
        }}
      >
        {groups.error ? <ErrorNotice error={groups.error} /> : <p>{listed(names, 6)}</p>}
        <div className="field">
          <label htmlFor="group-to-join">Group</label>
          <select
            id="group-to-join"
            data-first-focus
            required
            value={group}
            onChange={event => setGroup(event.target.value)}
          >
            <option value="">Choose …</option>
            {groups.data?.map(({ name }) => (
              <option key={name}>{name}</option>
            ))}
          </select>
        </div>
        <div className="actions dialog-actions">
          <button type="button" className="button" onClick={onClose}>
            Cancel
          </button>
          <button type="submit" className="button button-primary" disabled={group === ''}>
            Add to the group
          </button>
        </div>
      </form>
    </Dialog>
  )
}

function failedUsers(outcome: Outcome<ServerOf>): string[] {
  return [...new Set(outcome.failed.map(({ item }) => item.user))]
}

/** Throws when one of them cannot be read, except for those who are gone meanwhile. */
async function fetchUsers(names: readonly string[]): Promise<readonly User[]> {
  const found = new Map<string, User>()
  const { failed } = await runMany(names, async name => found.set(name, await fetchUser(name)), { atOnce: 8 })
  const real = failed.find(({ error }) => (error as { status?: number }).status !== 404)
  if (real) throw real.error
  return names.flatMap(name => found.get(name) ?? [])
}
