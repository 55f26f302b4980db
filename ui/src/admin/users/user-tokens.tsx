import { useState } from 'react'
import { useTokens } from '../../api/queries.ts'
import type { Token } from '../../api/types.ts'
import { useMay } from '../../api/use-may.ts'
import { counted } from '../../lib/counted.ts'
import { ErrorNotice } from '../parts/notice.tsx'
import { TimeAgo } from '../parts/time-ago.tsx'
import { RevokeDialog, tokenName } from '../tokens/revoke-dialog.tsx'

/** The tokens of one user: their own, those of applications, those of their servers. */
export function UserTokens({ user }: { user: string }) {
  const tokens = useTokens(user)
  const [revoking, revoke] = useState<Token>()
  const mayRevoke = useMay().mayFor('tokens', user)
  if (tokens.error) return <ErrorNotice error={tokens.error} retry={() => tokens.refetch()} />
  if (!tokens.data) return <p role="status">Loading …</p>
  if (tokens.data.length === 0) return <p className="muted">None.</p>
  return (
    <>
      <ul className="server-list">
        {tokens.data.map(token => (
          <li key={token.id}>
            <div className="server-line">
              <strong>{tokenName(token)}</strong>
              {mayRevoke && (
                <button
                  type="button"
                  className="button button-small button-quiet"
                  aria-label={`Revoke ${tokenName(token)}`}
                  onClick={() => revoke(token)}
                >
                  Revoke
                </button>
              )}
            </div>
            <p className="muted small">
              Last used <TimeAgo at={token.last_activity} never="never" />,{' '}
              {token.expires_at ? (
                <>
                  ends <TimeAgo at={token.expires_at} />
                </>
              ) : (
                'never ends'
              )}
            </p>
            <details className="scopes">
              <summary>{counted(token.scopes.length, 'permission')}</summary>
              {token.scopes.map(scope => (
                <code key={scope}>{scope}</code>
              ))}
            </details>
          </li>
        ))}
      </ul>
      {revoking && <RevokeDialog user={user} token={revoking} onClose={() => revoke(undefined)} />}
    </>
  )
}
