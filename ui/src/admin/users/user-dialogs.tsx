/** Starting, stopping and deleting what was chosen. What runs is read anew first: the choice may be minutes old. */
import { useQuery } from '@tanstack/react-query'
import { useState } from 'react'
import { fetchUser } from '../../api/queries.ts'
import type { User } from '../../api/types.ts'
import { counted } from '../../lib/counted.ts'
import { runMany } from '../../lib/run-many.ts'
import { Dialog } from '../parts/dialog.tsx'
import { ErrorNotice } from '../parts/notice.tsx'
import { DeleteDialog } from './delete-dialog.tsx'
import type { UserAction, UserDialogProps } from './dialog-props.ts'
import { GroupDialog } from './group-dialog.tsx'
import { StartDialog } from './start-dialog.tsx'
import { StopDialog } from './stop-dialog.tsx'

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

/** Throws when one of them cannot be read, except for those who are gone meanwhile. */
async function fetchUsers(names: readonly string[]): Promise<readonly User[]> {
  const found = new Map<string, User>()
  const { failed } = await runMany(names, async name => found.set(name, await fetchUser(name)), { atOnce: 8 })
  const real = failed.find(({ error }) => (error as { status?: number }).status !== 404)
  if (real) throw real.error
  return names.flatMap(name => found.get(name) ?? [])
}
