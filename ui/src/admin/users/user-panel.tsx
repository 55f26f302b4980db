import { useState } from 'react'
import { useGroups, useUser } from '../../api/queries.ts'
import type { User } from '../../api/types.ts'
import { useMay } from '../../api/use-may.ts'
import { page } from '../../lib/page.ts'
import { ErrorNotice } from '../parts/notice.tsx'
import { Panel, PanelPart } from '../parts/panel.tsx'
import { TimeAgo } from '../parts/time-ago.tsx'
import { toast } from '../parts/toasts.tsx'
import { change } from '../use-address.ts'
import { renameUser, useActions } from './actions.ts'
import { UserServers } from './user-servers.tsx'
import { UserTokens } from './user-tokens.tsx'

export function UserPanel({ name, onClose }: { name: string; onClose: () => void }) {
  const user = useUser(name)
  const { may, mayFor, isAdmin } = useMay()
  const { setAdmin } = useActions()
  return (
    <Panel title={name} onClose={onClose}>
      {user.error && <ErrorNotice error={user.error} retry={() => user.refetch()} />}
      {user.isPending && <p role="status">Loading …</p>}
      {user.data && (
        <>
          <Facts user={user.data} />
          <PanelPart title="Servers">
            <UserServers user={user.data} />
          </PanelPart>
          <PanelPart title="Groups">
            <UserGroups user={user.data} mayChange={may('groups')} />
          </PanelPart>
          <PanelPart title="Account">
            {mayFor('admin:users', name) && <Rename user={user.data} />}
            <div className="actions">
              {isAdmin && name !== page.user && (
                <button
                  type="button"
                  className="button button-small"
                  onClick={() => setAdmin([name], !user.data.admin)}
                >
                  {user.data.admin ? 'Remove admin' : 'Make admin'}
                </button>
              )}
              {page.accountsUrl && isAdmin && (
                <a className="button button-small" href={`${page.hubUrl}change-password/${encodeURIComponent(name)}`}>
                  Reset password …
                </a>
              )}
              {mayFor('delete:users', name) && name !== page.user && (
                <button
                  type="button"
                  className="button button-small button-danger"
                  onClick={() => change({ dialog: 'delete', on: name })}
                >
                  Delete …
                </button>
              )}
            </div>
          </PanelPart>
          {mayFor('read:tokens', name) && (
            <PanelPart title="Tokens">
              <UserTokens user={name} />
            </PanelPart>
          )}
        </>
      )}
    </Panel>
  )
}

function Facts({ user }: { user: User }) {
  return (
    <dl className="facts">
      <div>
        <dt>Last active</dt>
        <dd>
          <TimeAgo at={user.last_activity} />
        </dd>
      </div>
      {user.created && (
        <div>
          <dt>Since</dt>
          <dd>
            <TimeAgo at={user.created} />
          </dd>
        </div>
      )}
      {user.roles && (
        <div>
          <dt>Roles</dt>
          <dd>{user.roles.join(', ') || 'none'}</dd>
        </div>
      )}
    </dl>
  )
}

function UserGroups({ user, mayChange }: { user: User; mayChange: boolean }) {
  const { join, leave } = useActions()
  const all = useGroups().data ?? []
  const own = user.groups ?? []
  const others = all.filter(({ name }) => !own.includes(name))
  return (
    <>
      {own.length === 0 && <p className="muted">In no group.</p>}
      {own.length > 0 && (
        <ul className="chips">
          {own.map(group => (
            <li key={group} className="chip">
              {group}
              {mayChange && (
                <button
                  type="button"
                  aria-label={`Take ${user.name} out of ${group}`}
                  onClick={() => leave(group, [user.name])}
                >
                  ×
                </button>
              )}
            </li>
          ))}
        </ul>
      )}
      {mayChange && others.length > 0 && (
        <select aria-label="Add to a group" value="" onChange={event => join(event.target.value, [user.name])}>
          <option value="">Add to a group …</option>
          {others.map(({ name }) => (
            <option key={name}>{name}</option>
          ))}
        </select>
      )}
    </>
  )
}

function Rename({ user }: { user: User }) {
  const { changed } = useActions()
  const [name, setName] = useState(user.name)
  const [fault, setFault] = useState<unknown>()
  const isNew = name.trim() !== '' && name.trim() !== user.name

  async function rename(): Promise<void> {
    setFault(undefined)
    try {
      const renamed = await renameUser(user.name, name.trim())
      toast({
        kind: 'success',
        text: `${user.name} is ${renamed.name} now.`,
        undo: () => renameUser(renamed.name, user.name).finally(changed),
      })
      change({ user: renamed.name }, { replace: true })
      await changed()
    } catch (error) {
      setFault(error)
    }
  }

  return (
    <form
      className="stack"
      onSubmit={event => {
        event.preventDefault()
        if (isNew) void rename()
      }}
    >
      {fault !== undefined && <ErrorNotice error={fault} />}
      <div className="field-row">
        <div className="field">
          <label htmlFor="rename">Name</label>
          <input
            id="rename"
            value={name}
            onChange={event => setName(event.target.value)}
            autoComplete="off"
            autoCapitalize="off"
            spellCheck={false}
          />
        </div>
        <button type="submit" className="button" disabled={!isNew}>
          Rename
        </button>
      </div>
    </form>
  )
}
