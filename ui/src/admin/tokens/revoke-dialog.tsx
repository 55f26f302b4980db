import type { Token } from '../../api/types.ts'
import { TimeAgo } from '../parts/time-ago.tsx'
import { revokeToken, useActions } from '../users/actions.ts'
import { BulkDialog } from '../users/bulk-dialog.tsx'

/** A revoked token does not come back: says first who will be refused. */
export function RevokeDialog({ user, token, onClose }: { user: string; token: Token; onClose: () => void }) {
  const { changed } = useActions()
  const name = tokenName(token)
  return (
    <BulkDialog<Token>
      title="Revoke this token?"
      confirm="Revoke"
      items={[token]}
      labelOf={() => name}
      action={({ id }) => revokeToken(user, id)}
      doneText={() => `The token “${name}” of ${user} was revoked.`}
      isDangerous
      onEnd={() => void changed()}
      onClose={onClose}
    >
      <p>
        <strong>{name}</strong> of {user}, last used <TimeAgo at={token.last_activity} never="never" />.
      </p>
      <p>
        Whatever uses it is refused from now on. A running server whose own token this is goes on, but nobody can open
        it until it was stopped and started. Of an application, all tokens of this user are revoked.
      </p>
    </BulkDialog>
  )
}

/** What its maker wrote, or the application that holds it. */
export function tokenName(token: Token): string {
  return token.note || token.oauth_client || token.id
}
