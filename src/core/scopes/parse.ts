import type { ScopeFilter, ScopeMap, ScopeReach } from './types.ts'

export type FilterKind = keyof ScopeFilter
const KINDS: readonly FilterKind[] = ['user', 'group', 'server', 'service']

/** `read:users!user=alice` in parts. `kind` without `name` is a filter still to be filled in (`!user`). */
export interface ScopeParts {
  readonly base: string
  readonly filter: string
  readonly kind: string
  readonly name: string
}

export function splitScope(scope: string): ScopeParts {
  const [base, filter] = cut(scope, '!')
  const [kind, name] = cut(filter, '=')
  return { base, filter, kind, name }
}

/**
 * Groups expanded scopes by name. A scope without filter outweighs filtered ones of the same name. Filters that name
 * nothing, or no known kind of resource, reach nothing.
 */
export function parseScopes(expanded: Iterable<string>): ScopeMap {
  const groups = createScopeGroups()
  for (const scope of expanded) groups.add(splitScope(scope))
  return groups.toMap()
}

/** Gathers scopes into a map without putting them into words in between. */
export interface ScopeGroups {
  add(scope: Pick<ScopeParts, 'base' | 'filter' | 'kind' | 'name'>): void
  toMap(): ScopeMap
}

export function createScopeGroups(): ScopeGroups {
  const everything = new Set<string>()
  const filtered = new Map<string, ScopeFilter>()
  // Most people hold thirty scopes with one and the same filter, on themselves: they share it, and its set.
  const shared = new Map<string, ScopeFilter>()
  const filterOn = (filter: string, kind: FilterKind, name: string): ScopeFilter => {
    const known = shared.get(filter) ?? { [kind]: new Set([name]) }
    shared.set(filter, known)
    return known
  }
  return {
    add({ base, filter, kind, name }) {
      if (!filter) {
        everything.add(base)
      } else if (isFilterKind(kind) && name) {
        const own = filterOn(filter, kind, name)
        const held = filtered.get(base)
        if (held !== own) filtered.set(base, held ? joinFilters(held, own) : own)
      }
    },
    toMap() {
      const parsed = new Map<string, ScopeReach>(filtered)
      for (const base of everything) parsed.set(base, 'all')
      return parsed
    },
  }
}

/** The same scopes and a few expanded ones more. */
export function withScopes(scopes: ScopeMap, more: Iterable<string>): ScopeMap {
  const all = new Map(scopes)
  for (const [base, added] of parseScopes(more)) {
    const reach = all.get(base)
    all.set(base, reach === 'all' || added === 'all' ? 'all' : joinFilters(reach ?? {}, added))
  }
  return all
}

function joinFilters(a: ScopeFilter, b: ScopeFilter): ScopeFilter {
  const joined: { [kind in FilterKind]?: ReadonlySet<string> } = { ...a }
  for (const kind of KINDS) if (b[kind]) joined[kind] = new Set([...(a[kind] ?? []), ...b[kind]])
  return joined
}

/** The opposite of `parseScopes`. */
export function unparseScopes(scopes: ScopeMap): Set<string> {
  const expanded = new Set<string>()
  for (const [base, reach] of scopes) {
    if (reach === 'all') expanded.add(base)
    else for (const kind of KINDS) for (const name of reach[kind] ?? []) expanded.add(`${base}!${kind}=${name}`)
  }
  return expanded
}

function isFilterKind(kind: string): kind is FilterKind {
  return kind === 'user' || kind === 'group' || kind === 'server' || kind === 'service'
}

function cut(text: string, separator: string): [before: string, after: string] {
  const at = text.indexOf(separator)
  return at < 0 ? [text, ''] : [text.slice(0, at), text.slice(at + 1)]
}
