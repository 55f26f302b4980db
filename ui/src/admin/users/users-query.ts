/** The users table's filters, sorting and page: from the address, and to the API. */
export interface UsersQuery {
  readonly search: string
  readonly state: '' | 'active' | 'ready' | 'inactive'
  readonly admin: '' | 'true' | 'false'
  readonly group: string
  /** `name`, `-last_activity`. */
  readonly sort: string
  /** From 1. */
  readonly page: number
  readonly size: number
}

export const PAGE_SIZES = [25, 50, 100, 200] as const
export const DEFAULT_SORT = 'name'
const DEFAULT_SIZE = 50
const SORTS = ['name', '-name', 'last_activity', '-last_activity', 'id', '-id']

/** What makes no sense falls back to the default: an address may be typed. */
export function readUsersQuery(query: Readonly<Record<string, string>>): UsersQuery {
  return {
    search: query.search ?? '',
    state: oneOf(query.state, ['active', 'ready', 'inactive']) ?? '',
    admin: oneOf(query.admin, ['true', 'false']) ?? '',
    group: query.group ?? '',
    sort: oneOf(query.sort, SORTS) ?? DEFAULT_SORT,
    page: Math.max(1, Number.parseInt(query.page ?? '', 10) || 1),
    size: PAGE_SIZES.find(size => String(size) === query.size) ?? DEFAULT_SIZE,
  }
}

/** `users?...` of the REST API. */
export function usersPath(query: UsersQuery): string {
  const fields = {
    name_filter: query.search,
    state: query.state,
    admin: query.admin,
    group: query.group,
    sort: query.sort,
    offset: String((query.page - 1) * query.size),
    limit: String(query.size),
    include_stopped_servers: '1',
  }
  return `users?${new URLSearchParams(Object.entries(fields).filter(([, value]) => value !== ''))}`
}

export function isFiltered(query: UsersQuery): boolean {
  return [query.search, query.state, query.admin, query.group].some(value => value !== '')
}

function oneOf<const T extends string>(value: string | undefined, allowed: readonly T[]): T | undefined {
  return allowed.find(each => each === value)
}
