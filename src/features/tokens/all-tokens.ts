/** One page of the tokens of everybody, for those who look after a hub. */
import { type ExpressionBuilder, sql } from 'kysely'
import type { ScopeReach } from '../../core/scopes/types.ts'
import type { Db } from '../../db/database.ts'
import type { Tables } from '../../db/tables.ts'
import type { StoredToken } from './store.ts'

export interface AllTokensQuery {
  /** Part of the name of a user or service, upper and lower case alike. */
  readonly nameFilter: string | undefined
  /** Made by people and for servers, or held by applications since somebody signed in to them. */
  readonly kind: 'own' | 'application' | undefined
  readonly sort: 'id' | 'last_activity' | 'expires_at'
  readonly descending: boolean
  readonly offset: number
  readonly limit: number
  readonly reach: ScopeReach
  /** Database time. */
  readonly now: string
}

export interface OwnedToken extends StoredToken {
  readonly owner: { readonly kind: 'user' | 'service'; readonly name: string }
}

/** Those that have not run out, and how many there are in all. */
export async function listAllTokens(db: Db, query: AllTokensQuery): Promise<{ rows: OwnedToken[]; total: number }> {
  const matching = matchingTokens(db, query)
  const [rows, count] = await Promise.all([
    ordered(matching, query)
      .leftJoin('oauth_clients as client', 'client.identifier', 'api_tokens.client_id')
      .select(['api_tokens.id', 'client_id', 'session_id', 'api_tokens.created', 'expires_at', 'note', 'scopes'])
      .select(['api_tokens.last_activity', 'users.name as user', 'services.name as service'])
      .select(['client.description', 'client.identifier'])
      .offset(query.offset)
      .limit(query.limit)
      .execute(),
    matching.select(({ fn }) => fn.countAll<number | string>().as('total')).executeTakeFirstOrThrow(),
  ])
  return {
    rows: rows.map(({ user, service, description, identifier, ...token }) => ({
      ...token,
      oauth_client: description || identifier || '',
      owner: user === null ? { kind: 'service', name: service ?? '' } : { kind: 'user', name: user },
    })),
    total: Number(count.total),
  }
}

function matchingTokens(db: Db, { nameFilter, kind, reach, now }: AllTokensQuery) {
  let tokens = db
    .selectFrom('api_tokens')
    .leftJoin('users', 'users.id', 'api_tokens.user_id')
    .leftJoin('services', 'services.id', 'api_tokens.service_id')
    .where(where => where.or([where('expires_at', 'is', null), where('expires_at', '>=', now)]))
  if (nameFilter) {
    const pattern = `%${nameFilter.toLowerCase().replace(/[\\%_]/g, char => `\\${char}`)}%`
    tokens = tokens.where(sql<boolean>`lower(coalesce(users.name, services.name)) like ${pattern} escape '\\'`)
  }
  // What is no application's stands under the hub's own client, or in old databases under none.
  if (kind === 'own') tokens = tokens.where(isOwn)
  if (kind === 'application') tokens = tokens.where(where => where.not(isOwn(where)))
  if (reach === 'all') return tokens
  const [users, groups, services] = [namesOf(reach.user), namesOf(reach.group), namesOf(reach.service)]
  return tokens.where(where =>
    where.or([
      where('users.name', 'in', users),
      where('services.name', 'in', services),
      where('api_tokens.user_id', 'in', members =>
        members
          .selectFrom('user_group_map')
          .innerJoin('groups', 'groups.id', 'user_group_map.group_id')
          .where('groups.name', 'in', groups)
          .select('user_group_map.user_id'),
      ),
    ]),
  )
}

function isOwn(where: ExpressionBuilder<Pick<Tables, 'api_tokens'>, 'api_tokens'>) {
  return where.or([where('client_id', 'is', null), where('client_id', '=', 'jupyterhub')])
}

/** Databases disagree where NULL sorts: what was never used comes first, what never ends last. */
function ordered(tokens: ReturnType<typeof matchingTokens>, { sort, descending }: AllTokensQuery) {
  const direction = descending ? 'desc' : 'asc'
  if (sort === 'id') return tokens.orderBy('api_tokens.id', direction)
  const column = sql.ref(`api_tokens.${sort}`)
  const [none, some] = sort === 'expires_at' ? [1, 0] : [0, 1]
  return tokens
    .orderBy(sql`case when ${column} is null then ${sql.lit(none)} else ${sql.lit(some)} end`, direction)
    .orderBy(column, direction)
    .orderBy('api_tokens.id', direction)
}

/** `in ()` is no SQL; the empty name belongs to nobody. */
function namesOf(names: ReadonlySet<string> | undefined): string[] {
  return names && names.size > 0 ? [...names] : ['']
}
