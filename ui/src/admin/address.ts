/**
 * The address of the admin page says all that it shows: the tab is its path, filters, sorting, page, open panel and
 * open dialog are its query. A default is left out, so that addresses stay short.
 */
export const TABS = ['users', 'servers', 'groups', 'services', 'roles', 'tokens', 'machine', 'health'] as const
export type Tab = (typeof TABS)[number]

export interface Address {
  readonly tab: Tab
  readonly query: Readonly<Record<string, string>>
}

/** Of `/hub/admin/groups?group=staff`, with `/hub/` as the hub's own. */
export function parseAddress(path: string, search: string, hubUrl: string): Address {
  const rest = path.slice(`${hubUrl}admin`.length).replace(/^\/|\/$/g, '')
  return {
    tab: TABS.find(tab => tab === rest) ?? 'users',
    query: Object.fromEntries(new URLSearchParams(search)),
  }
}

export function formatAddress({ tab, query }: Address, hubUrl: string): string {
  const fields = Object.entries(query).filter(([, value]) => value !== '')
  const search = new URLSearchParams(fields).toString()
  return `${hubUrl}admin${tab === 'users' ? '' : `/${tab}`}${search && `?${search}`}`
}

/** The same place with some fields changed; undefined takes a field away. */
export function withQuery(address: Address, changes: Readonly<Record<string, string | undefined>>): Address {
  const fields = Object.entries({ ...address.query, ...changes })
  return { ...address, query: Object.fromEntries(fields.filter((field): field is [string, string] => !!field[1])) }
}
