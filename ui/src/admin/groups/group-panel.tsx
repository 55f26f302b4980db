import { useQuery } from '@tanstack/react-query'
import { useState } from 'react'
import { api, pathOf } from '../../api/client.ts'
import { keys } from '../../api/queries.ts'
import type { Group, Page, User } from '../../api/types.ts'
import { useMay } from '../../api/use-may.ts'
import { counted } from '../../lib/counted.ts'
import { ErrorNotice } from '../parts/notice.tsx'
import { Panel, PanelPart } from '../parts/panel.tsx'
import { toast } from '../parts/toasts.tsx'
import { linkTo } from '../use-address.ts'
import { useActions } from '../users/actions.ts'
import { BulkDialog } from '../users/bulk-dialog.tsx'
import { parseNames } from '../users/parse-names.ts'
import { formatProperties, parseProperties } from './properties.ts'

const SHOWN = 30

export function GroupPanel({ group, onClose }: { group: Group; onClose: () => void }) {
  const { may } = useMay()
  const { changed } = useActions()
  const [isDeleting, setDeleting] = useState(false)
  const mayChange = may('groups')
  const count = group.user_count ?? 0
  return (
    <Panel title={group.name} onClose={onClose}>
      <PanelPart title={`Members (${count.toLocaleString('en')})`}>
        <Members group={group.name} count={count} mayChange={mayChange} />
      </PanelPart>
      <PanelPart title="Properties">
        <Properties group={group} mayChange={mayChange} />
      </PanelPart>
      {group.roles && group.roles.length > 0 && (
        <PanelPart title="Roles">
          <p>{group.roles.join(', ')}</p>
        </PanelPart>
      )}
      {may('delete:groups') && (
        <div className="actions">
          <button type="button" className="button button-small button-danger" onClick={() => setDeleting(true)}>
            Delete the group …
          </button>
        </div>
      )}
      {isDeleting && (
        <BulkDialog<string>
          title={`Delete ${group.name}?`}
          confirm="Delete the group"
          items={[group.name]}
          labelOf={name => name}
          action={name => api('DELETE', pathOf`groups/${name}`)}
          doneText={() => `The group ${group.name} was deleted.`}
          isDangerous
          typeToConfirm={count > 0 ? group.name : undefined}
          onEnd={({ failed }) => {
            void changed()
            if (failed.length === 0) onClose()
          }}
          onClose={() => setDeleting(false)}
        >
          <p>
            {count === 0 ? 'It has no members.' : `${counted(count, 'member')} lose what this group gives them.`}{' '}
            {group.roles && group.roles.length > 0 && `It holds the roles ${group.roles.join(', ')}.`} The users stay.
          </p>
        </BulkDialog>
      )}
    </Panel>
  )
}

function Members({ group, count, mayChange }: { group: string; count: number; mayChange: boolean }) {
  const { join, leave } = useActions()
  const [text, setText] = useState('')
  const members = useQuery({
    queryKey: [...keys.groups, group, 'members'],
    queryFn: () =>
      api<Page<User>>('GET', `users?${new URLSearchParams({ group, sort: 'name', limit: String(SHOWN) })}`),
  })
  return (
    <>
      {mayChange && (
        <form
          className="field-row"
          onSubmit={event => {
            event.preventDefault()
            const names = parseNames(text)
            if (names.length > 0) void join(group, names).then(() => setText(''))
          }}
        >
          <div className="field">
            <label htmlFor="new-members">Add members</label>
            <input
              id="new-members"
              value={text}
              onChange={event => setText(event.target.value)}
              placeholder="ada grace"
              autoComplete="off"
              autoCapitalize="off"
              spellCheck={false}
            />
          </div>
          <button type="submit" className="button" disabled={text.trim() === ''}>
            Add
          </button>
        </form>
      )}
      {members.error && <ErrorNotice error={members.error} retry={() => members.refetch()} />}
      {members.data && members.data.items.length > 0 && (
        <ul className="chips">
          {members.data.items.map(({ name }) => (
            <li key={name} className="chip">
              <a {...linkTo({ tab: 'users', query: { user: name } })}>{name}</a>
              {mayChange && (
                <button type="button" aria-label={`Take ${name} out of ${group}`} onClick={() => leave(group, [name])}>
                  ×
                </button>
              )}
            </li>
          ))}
        </ul>
      )}
      {count > SHOWN && (
        <p>
          <a {...linkTo({ tab: 'users', query: { group } })}>All {counted(count, 'member')}</a>
        </p>
      )}
    </>
  )
}

function Properties({ group, mayChange }: { group: Group; mayChange: boolean }) {
  const { changed } = useActions()
  const before = formatProperties(group.properties)
  const [text, setText] = useState(before)
  const [fault, setFault] = useState<string>()
  if (!mayChange) return <pre>{before}</pre>

  const put = (value: unknown) => api('PUT', pathOf`groups/${group.name}/properties`, value).finally(changed)

  async function save(): Promise<void> {
    const parsed = parseProperties(text)
    if ('fault' in parsed) return setFault(parsed.fault)
    setFault(undefined)
    try {
      await put(parsed.value)
      setText(formatProperties(parsed.value))
      toast({
        kind: 'success',
        text: `The properties of ${group.name} were saved.`,
        undo: async () => {
          await put(group.properties ?? {})
          setText(before)
        },
      })
    } catch (error) {
      setFault((error as Error).message)
    }
  }

  return (
    <form
      className="stack"
      onSubmit={event => {
        event.preventDefault()
        void save()
      }}
    >
      <div className="field">
        <textarea
          className="code-field"
          aria-label="Properties as JSON"
          aria-invalid={fault !== undefined}
          aria-describedby={fault === undefined ? undefined : 'properties-fault'}
          rows={Math.min(12, text.split('\n').length + 1)}
          value={text}
          onChange={event => setText(event.target.value)}
          spellCheck={false}
        />
        {fault !== undefined && (
          <small className="wrong" id="properties-fault" role="alert">
            {fault}
          </small>
        )}
      </div>
      <div className="actions">
        <button type="submit" className="button button-small" disabled={text === before}>
          Save
        </button>
      </div>
    </form>
  )
}
