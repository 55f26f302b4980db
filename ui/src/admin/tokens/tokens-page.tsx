import { useMemo, useState } from 'react'
import { useAllTokens } from '../../api/queries.ts'
import type { OwnedToken } from '../../api/types.ts'
import { useMay } from '../../api/use-may.ts'
import { counted } from '../../lib/counted.ts'
import type { Address } from '../address.ts'
import { DataTable } from '../parts/data-table.tsx'
import { ErrorNotice } from '../parts/notice.tsx'
import { Pager } from '../parts/pager.tsx'
import { SearchField } from '../parts/search-field.tsx'
import type { Column } from '../parts/table-model.ts'
import { TimeAgo } from '../parts/time-ago.tsx'
import { change, linkTo } from '../use-address.ts'
import { RevokeDialog, tokenName } from './revoke-dialog.tsx'
import { DEFAULT_TOKENS_SORT, readTokensQuery, TOKENS_PAGE_SIZE } from './tokens-query.ts'

const none: readonly OwnedToken[] = []

export function TokensPage({ address }: { address: Address }) {
  const query = readTokensQuery(address.query)
  const tokens = useAllTokens(query)
  const [revoking, revoke] = useState<OwnedToken>()
  const mayRevoke = useMay().may('tokens')
  const rows = tokens.data?.items ?? none
  const total = tokens.data?._pagination.total ?? 0
  const columns = useMemo(() => tokenColumns(mayRevoke ? revoke : undefined), [mayRevoke])
  return (
    <>
      <div className="toolbar admin-toolbar">
        <SearchField
          label="Find tokens by owner"
          value={query.search}
          onSearch={search => change({ search, page: undefined }, { replace: true })}
        />
        <div className="filters">
          <select
            aria-label="Kind"
            value={query.kind}
            onChange={event => change({ kind: event.target.value, page: undefined })}
          >
            <option value="">All tokens</option>
            <option value="own">Made by people and for servers</option>
            <option value="application">Of applications</option>
          </select>
          <select
            aria-label="Sort by"
            value={query.sort}
            onChange={event => change({ sort: event.target.value, page: undefined })}
          >
            <option value="-id">Newest first</option>
            <option value="id">Oldest first</option>
            <option value="last_activity">Longest unused first</option>
            <option value="-last_activity">Last used first</option>
            <option value="expires_at">Ending soonest first</option>
            <option value="-expires_at">Ending latest first</option>
          </select>
        </div>
      </div>
      {tokens.error && <ErrorNotice error={tokens.error} retry={() => tokens.refetch()} />}
      {tokens.data && rows.length === 0 && (
        <div className="card empty" role="status">
          <p>{total > 0 ? 'This page is past the end of the list.' : 'No token matches.'}</p>
        </div>
      )}
      <div className={tokens.isPlaceholderData ? 'table-frame is-old' : 'table-frame'} hidden={rows.length === 0}>
        <DataTable<OwnedToken>
          label="Tokens"
          columns={columns}
          rows={rows}
          idOf={({ id }) => id}
          sorting={{
            by: query.sort,
            onChange: sort => change({ sort: sort === DEFAULT_TOKENS_SORT ? undefined : sort, page: undefined }),
          }}
          busy={tokens.isFetching}
        />
      </div>
      {total > 0 && (
        <Pager
          page={query.page}
          size={TOKENS_PAGE_SIZE}
          total={total}
          onPage={page => change({ page: String(page) })}
        />
      )}
      {revoking?.user && <RevokeDialog user={revoking.user} token={revoking} onClose={() => revoke(undefined)} />}
    </>
  )
}

function tokenColumns(revoke: ((token: OwnedToken) => void) | undefined): readonly Column<OwnedToken>[] {
  return [
    {
      id: 'owner',
      header: 'Owner',
      isName: true,
      className: 'name-col',
      cell: ({ user, service }) =>
        user === null ? (
          <>
            {service} <span className="tag">service</span>
          </>
        ) : (
          <a className="row-link" {...linkTo({ tab: 'users', query: { search: user, user } })}>
            {user}
          </a>
        ),
    },
    {
      id: 'note',
      header: 'What for',
      cell: token => (
        <details className="scopes">
          <summary>{tokenName(token)}</summary>
          <p className="muted small">{counted(token.scopes.length, 'permission')}</p>
          {token.scopes.map(scope => (
            <code key={scope}>{scope}</code>
          ))}
        </details>
      ),
    },
    {
      id: 'id',
      header: 'Made',
      className: 'nowrap',
      newestFirst: true,
      value: token => token.id,
      cell: token => <TimeAgo at={token.created} form="rough" never="" />,
    },
    {
      id: 'last_activity',
      header: 'Last used',
      className: 'nowrap',
      value: token => token.last_activity ?? undefined,
      cell: token => <TimeAgo at={token.last_activity} form="rough" />,
    },
    {
      id: 'expires_at',
      header: 'Ends',
      className: 'nowrap',
      value: token => token.expires_at ?? undefined,
      cell: token => <TimeAgo at={token.expires_at} form="rough" />,
    },
    {
      id: 'actions',
      header: 'Actions',
      className: 'end',
      cell: token =>
        revoke &&
        token.user !== null && (
          <button
            type="button"
            className="button button-small"
            aria-label={`Revoke ${tokenName(token)} of ${token.user}`}
            onClick={() => revoke(token)}
          >
            Revoke
          </button>
        ),
    },
  ]
}
