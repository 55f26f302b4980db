/** The table of tokens: from the address, and to the API. */
export interface TokensQuery {
  readonly search: string
  readonly kind: '' | 'own' | 'application'
  /** `-id` (the newest first), `last_activity` and so on. */
  readonly sort: string
  /** From 1. */
  readonly page: number
}

export const TOKENS_PAGE_SIZE = 50
export const DEFAULT_TOKENS_SORT = '-id'
const SORTS = ['id', '-id', 'last_activity', '-last_activity', 'expires_at', '-expires_at']

/** What makes no sense falls back to the default: an address may be typed. */
export function readTokensQuery(query: Readonly<Record<string, string>>): TokensQuery {
  const { kind = '', sort = '' } = query
  return {
    search: query.search ?? '',
    kind: kind === 'own' || kind === 'application' ? kind : '',
    sort: SORTS.includes(sort) ? sort : DEFAULT_TOKENS_SORT,
    page: Math.max(1, Number.parseInt(query.page ?? '', 10) || 1),
  }
}

export function tokensPath({ search, kind, sort, page }: TokensQuery): string {
  const fields = {
    name_filter: search,
    kind,
    sort,
    offset: String((page - 1) * TOKENS_PAGE_SIZE),
    limit: String(TOKENS_PAGE_SIZE),
  }
  return `orrery/tokens?${new URLSearchParams(Object.entries(fields).filter(([, value]) => value !== ''))}`
}
